"""Spans, tag schemes and tag inventories; standard library only."""
