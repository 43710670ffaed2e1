"""The truth about a corpus before any training."""
