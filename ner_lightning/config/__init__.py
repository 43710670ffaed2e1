"""The classes and values that a configuration may name, and where."""
