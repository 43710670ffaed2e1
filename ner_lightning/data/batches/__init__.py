"""Batches of a corpus: order, windows, context, tensors."""
