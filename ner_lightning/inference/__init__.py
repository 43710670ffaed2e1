"""From a checkpoint to tagged text."""
