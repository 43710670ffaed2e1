"""One small class a file format."""
