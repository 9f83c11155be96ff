"""What the clock does to each stage."""
