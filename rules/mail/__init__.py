"""Addresses, limits, and what servers' answers and bounces mean."""
