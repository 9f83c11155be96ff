"""A year to look at: `appraisal demo` and `appraisal simulate`."""
