"""Launching a cycle, seeing it before, and how far it is."""
