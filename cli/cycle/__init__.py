"""`appraisal cycle`."""
