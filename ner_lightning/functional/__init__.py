"""Pure functions on tensors: CRF mathematics, pooling, entity counts."""
