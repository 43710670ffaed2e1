"""Running a stored run again, and what to say of the two."""
