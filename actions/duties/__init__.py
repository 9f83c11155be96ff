"""What people owe, and the way to it: assignments, links, invitations, notices."""
