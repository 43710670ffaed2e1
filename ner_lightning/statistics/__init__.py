"""The arithmetic of a comparison: numbers in, numbers out; numpy and scipy alone."""
