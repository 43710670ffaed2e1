"""Run a stored run again, and compare the two."""
