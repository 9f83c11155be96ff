"""What people write in files and fields, read strictly."""
