"""Letters a second, beside yardsticks."""
