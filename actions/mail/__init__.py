"""Letters from owed to accepted, bounced or given up."""
