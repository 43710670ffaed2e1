"""Where a run's numbers go: W&B, and the curve of the run folder."""
