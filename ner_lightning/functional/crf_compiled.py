"""The compiled CPU kernels behind the interface of functional/crf_torch.py: tensors in, tensors out, no copy."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from ner_lightning.functional import crf_numba
from ner_lightning.functional.constraints import split_moves


class CompiledPosterior:
    """Log-partition and marginals, as `crf_torch.Posterior`.

    The kernel adds up the pairs of all sentences, each with a weight. It ran with weights of one; other weights that
    are all the same (the loss is a mean or a sum) scale the result, anything else runs it again.
    """

    def __init__(self, arrays: tuple[Tensor, ...], found: crf_numba.PartitionGradients) -> None:
        self.log_z = torch.from_numpy(found.log_z)
        self.marginals = torch.from_numpy(found.d_emissions)
        self._arrays, self._transitions = arrays, torch.from_numpy(found.d_transitions)

    def expected_transitions(self, weights: Float64[Tensor, "batch"]) -> Float64[Tensor, "tags tags"]:
        """Expected count of each pair of neighbouring tags, summed over sentences with these weights."""
        values = weights.numpy()
        if (values == values[0]).all():
            return self._transitions * values[0]
        again = _run(self._arrays, weights)
        return torch.from_numpy(again.d_transitions)


def _run(arrays: tuple[Tensor, ...], weights: Float64[Tensor, "batch"]) -> crf_numba.PartitionGradients:
    emissions, lengths, start, end, transitions = (part.numpy() for part in arrays)
    return crf_numba.log_partition_and_marginals(emissions, lengths, start, end, transitions, weights.numpy())


def _arrays(
    emissions: Float[Tensor, "batch words tags"], lengths: Int[Tensor, "batch"], moves: Float64[Tensor, "moves"]
) -> tuple[Tensor, ...]:
    return (emissions.detach(), lengths, *split_moves(moves.detach(), emissions.shape[2]))


def posterior(
    emissions: Float[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
    guard: bool,  # noqa: ARG001  the kernel looks after every sentence itself
) -> CompiledPosterior:
    """Log-partition with marginals and what expected transition counts need.

    >>> zeros = torch.zeros(1, 2, 2, dtype=torch.float64)
    >>> posterior(zeros, torch.tensor([2]), torch.zeros(8, dtype=torch.float64), guard=False).marginals.tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """
    arrays = _arrays(emissions, lengths, moves)
    ones = torch.ones(len(lengths), dtype=torch.float64)
    return CompiledPosterior(arrays, _run(arrays, ones))


def log_partition(
    emissions: Float[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
    guard: bool,  # noqa: ARG001
) -> Float64[Tensor, "batch"]:
    """The log-partition of each sentence, in nats.

    >>> zeros = torch.zeros(1, 3, 2, dtype=torch.float64)
    >>> log_partition(zeros, torch.tensor([3]), torch.zeros(8, dtype=torch.float64), guard=False).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    return torch.from_numpy(crf_numba.log_partition(*(part.numpy() for part in _arrays(emissions, lengths, moves))))
