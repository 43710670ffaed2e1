"""Words, positions, sentences and documents of plain text."""
