"""Vary training sentences."""
