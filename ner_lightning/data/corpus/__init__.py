"""Encode, store and divide a corpus, without torch."""
