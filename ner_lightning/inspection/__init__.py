"""Inspect a corpus before any training."""
