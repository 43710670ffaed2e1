"""Named entity recognition with BERT and a CRF: train, sweep, compare, use."""
