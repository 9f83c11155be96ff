"""`appraisal roster`."""
