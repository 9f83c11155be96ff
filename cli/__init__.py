"""The command `appraisal`: it asks, the actions do."""
