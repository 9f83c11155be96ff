"""What a person sends: one file an act."""
