"""Collect runs from folders and from W&B."""
