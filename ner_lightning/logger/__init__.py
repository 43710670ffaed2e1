"""Loggers of a run: W&B, and the metrics file of the run folder."""
