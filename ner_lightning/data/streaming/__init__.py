"""Read a corpus larger than memory from shards."""
