"""Things that happen around a fit."""
