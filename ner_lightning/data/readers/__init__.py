"""Readers: one small class per file format."""
