"""What classes take, read from their source: the schema of the configuration, at no cost of imports."""
