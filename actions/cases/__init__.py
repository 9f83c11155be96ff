"""The case of one employee: plan, result, objection, and what follows from them."""
