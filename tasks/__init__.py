"""Prefect tasks: an action, a batch and a retry policy; safe to run twice. Only ids, counts, dates and codes pass."""
