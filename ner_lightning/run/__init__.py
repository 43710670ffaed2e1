"""The run folder: the names of its files, writing and reading them."""
