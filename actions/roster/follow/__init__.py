"""What a changed roster does to running cycles."""
