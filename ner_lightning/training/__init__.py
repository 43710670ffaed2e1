"""From a configuration to a run, and from a checkpoint to its objects."""
