"""What people and the clock can do: one function, one transaction's worth; no function here commits."""
