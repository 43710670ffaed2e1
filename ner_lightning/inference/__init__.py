"""Tagging text with a trained model."""
