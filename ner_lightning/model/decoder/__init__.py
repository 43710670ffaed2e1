"""Decoders: from emissions to a loss and to tags."""
