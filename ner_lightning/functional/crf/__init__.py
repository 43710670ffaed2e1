"""The linear-chain CRF: loss, paths, marginals, each over plain tensors."""
