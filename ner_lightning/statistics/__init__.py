"""The arithmetic of a comparison: numbers in, numbers out, with numpy and scipy alone."""
