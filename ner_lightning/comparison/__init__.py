"""Runs side by side: which is better, by how much, whether it is real, and why."""
