"""The compiled CPU kernels behind the interface of functional/crf_torch.py: tensors in, tensors out, no copy."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from ner_lightning.functional import crf_numba
from ner_lightning.functional.backend import wide
from ner_lightning.functional.chain import closed_moves

_Arrays: TypeAlias = tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[Any], NDArray[Any]]


class CompiledPosterior:
    """Log-partition and marginals, as `crf_torch.Posterior`.

    The kernel adds up the pairs of all sentences, each with a weight. It ran with weights of one; other weights that
    are all the same (the loss is a mean or a sum) scale the result, anything else runs it again.
    """

    def __init__(self, arrays: _Arrays, found: crf_numba.PartitionGradients) -> None:
        self.log_z = torch.from_numpy(found.log_z)
        self.marginals = torch.from_numpy(found.d_emissions)
        self._arrays, self._found = arrays, found

    def expected_moves(self, weights: Float64[Tensor, "batch one"]) -> Float64[Tensor, "closed closed"]:
        """Expected count of each move, summed over sentences with these weights."""
        values = weights.numpy()[:, 0]
        same = bool((values == values[0]).all())
        found = self._found if same else _run(self._arrays, values)
        moves = closed_moves(*(torch.from_numpy(part) for part in (found.d_start, found.d_end, found.d_transitions)))
        return moves * values[0] if same else moves


def _arrays(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    moves: Float[Tensor, "closed closed"],
) -> _Arrays:
    # Half precision has no arithmetic there; float32 is read as it is.
    scores = emissions.detach().to(wide(emissions.dtype))
    table = moves.numpy()
    return scores.numpy(), mask.numpy().sum(1), table[-1, :-1], table[:-1, -1], table[:-1, :-1]


def _run(arrays: _Arrays, weights: NDArray[np.float64]) -> crf_numba.PartitionGradients:
    return crf_numba.log_partition_and_marginals(*arrays, weights)


def posterior(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    moves: Float[Tensor, "closed closed"],
) -> CompiledPosterior:
    """Log-partition with marginals and what expected counts of moves need.

    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> posterior(torch.zeros(1, 2, 2), mask, torch.zeros(3, 3)).marginals.tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """
    arrays = _arrays(emissions, mask, moves)
    return CompiledPosterior(arrays, _run(arrays, np.ones(len(mask))))


def log_partition(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    moves: Float[Tensor, "closed closed"],
) -> Float64[Tensor, "batch"]:
    """The log-partition of each sentence, in nats.

    >>> log_partition(torch.zeros(1, 3, 2), torch.ones(1, 3, dtype=torch.bool), torch.zeros(3, 3)).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    return torch.from_numpy(crf_numba.log_partition(*_arrays(emissions, mask, moves)))
