"""Backups, and noticing that one was put back."""
