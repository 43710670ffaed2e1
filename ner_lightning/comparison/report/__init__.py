"""Write a comparison: terminal, page, files, W&B."""
