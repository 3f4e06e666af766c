"""What the month asks of a table in force: the canary, the course of costs, drift, and what a new table changes."""
