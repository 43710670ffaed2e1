"""Sweeps: many runs under one name, each in a process of its own, and a manifest that survives."""
