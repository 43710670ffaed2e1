"""torchmetrics shells over the functional counts."""
