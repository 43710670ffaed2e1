"""Build a run from a configuration, or from a checkpoint, and conclude it."""
