"""Draw a comparison."""
