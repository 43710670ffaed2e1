"""Compose, explain and check a command line, and show its help, before anything heavy is imported."""
