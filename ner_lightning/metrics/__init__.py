"""Metrics of torchmetrics around the counts of `functional`."""
