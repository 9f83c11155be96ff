"""Pure functions, enums and tables of data: the only place that decides."""
