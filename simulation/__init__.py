"""A whole year on a virtual clock: invented people who read their mail and act through the same forms as everybody."""
