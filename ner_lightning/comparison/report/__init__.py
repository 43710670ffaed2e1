"""Report a comparison on the terminal, as a page, in files and in W&B."""
