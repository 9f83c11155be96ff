"""Sizes, bounds, the draw, and who may examine whom; exact."""
