"""Read, encode and batch corpora."""
