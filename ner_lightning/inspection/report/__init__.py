"""Show an inspection on the terminal and as a page."""
