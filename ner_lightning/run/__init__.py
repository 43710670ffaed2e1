"""The run folder: the names of its files, and how they are written and read."""
