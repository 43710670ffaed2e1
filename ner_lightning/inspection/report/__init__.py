"""Show an inspection: terminal and page."""
