"""A corpus encoded, stored and divided, without torch."""
