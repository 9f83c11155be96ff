"""What HR looks at."""
