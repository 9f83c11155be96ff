"""HR's console."""
