"""What the nodes of a configuration may say, and where."""
