"""Find what is worth knowing about a corpus, one subject per module."""
