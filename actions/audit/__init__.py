"""The third-party audit, from the frozen plan to the statement."""
