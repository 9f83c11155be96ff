"""`appraisal mail`."""
