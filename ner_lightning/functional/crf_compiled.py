"""The compiled CPU kernels behind torch: tensors in, tensors out, with as little as possible in between.

A batch of short sentences takes these kernels less time than twenty operations of torch.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from ner_lightning.functional import crf_numba
from ner_lightning.functional.backend import wide
from ner_lightning.functional.path_numba import subtract_path

# Emissions, lengths, start, end, transitions.
Arrays: TypeAlias = tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[Any], NDArray[Any]]
_DOUBLE_BACKWARD = (
    "the CRF cannot be differentiated twice (create_graph=True); use backend='reference', whose steps autograd records"
)


def as_arrays(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    scores: tuple[Tensor, Tensor, Tensor],
    legal: Bool[Tensor, "closed closed"] | None,
) -> Arrays:
    """The arguments of a compiled kernel, illegal moves at minus infinity. Shares memory where it can."""
    # Half precision has no arithmetic there; float32 is read as it is.
    given = emissions.detach().to(wide(emissions.dtype)).numpy()
    start, end, transitions = (part.detach().to(wide(part.dtype)).numpy() for part in scores)
    if legal is not None:
        table = legal.numpy()
        start, end = np.where(table[-1, :-1], start, -np.inf), np.where(table[:-1, -1], end, -np.inf)
        transitions = np.where(table[:-1, :-1], transitions, -np.inf)
    return given, mask.numpy().sum(1), start, end, transitions


class CompiledLoss(torch.autograd.Function):
    """log Z - score(tags), or log Z alone if tags is None; the gradient is expected minus observed counts.

    The kernel adds up the counts of moves over all sentences, each with a weight. Forward runs it with weights of one;
    if what comes from above is the same for all (the loss is a mean or a sum) the result is scaled, else it runs again.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        end: Tensor,
        transitions: Tensor,
        tags: Tensor | None,
        mask: Tensor,
        legal: Tensor | None,
    ) -> Tensor:
        """Compute everything that a gradient needs, in one pass."""
        ctx.arrays = as_arrays(emissions, mask, (start, end, transitions), legal)
        ctx.tags = None if tags is None else tags.numpy()
        ctx.found = _run(ctx.arrays, ctx.tags, np.ones(len(mask)))
        ctx.types = emissions.dtype, start.dtype
        return torch.from_numpy(ctx.found.log_z)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Weigh the counts of each sentence by what comes from above."""
        if torch.is_grad_enabled():
            raise NotImplementedError(_DOUBLE_BACKWARD)
        weights, (emissions_type, moves_type) = gradients[0].numpy(), ctx.types
        counts = ctx.found.d_emissions
        emissions = np.empty_like(counts, dtype=np.float64 if emissions_type == torch.float64 else np.float32)
        np.multiply(counts, weights[:, None, None], out=emissions, casting="same_kind")
        same = bool((weights == weights[0]).all())
        found = ctx.found if same else _run(ctx.arrays, ctx.tags, np.ascontiguousarray(weights))
        moves = (part * weights[0] if same else part for part in found[2:])
        scores = (torch.from_numpy(part).to(moves_type) for part in moves)
        return torch.from_numpy(emissions).to(emissions_type), *scores, None, None, None


def _run(arrays: Arrays, tags: NDArray[np.int64] | None, weights: NDArray[np.float64]) -> crf_numba.PartitionGradients:
    found = crf_numba.log_partition_and_marginals(*arrays, weights)
    if tags is not None:
        subtract_path(found, *arrays, weights, tags)
    return found


def log_partition(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    scores: tuple[Tensor, Tensor, Tensor],
    legal: Bool[Tensor, "closed closed"] | None = None,
) -> Float64[Tensor, batch]:
    """The log-partition of each sentence in nats, without gradient.

    >>> zeros, mask = torch.zeros(2, 2), torch.ones(1, 3, dtype=torch.bool)
    >>> log_partition(torch.zeros(1, 3, 2), mask, (zeros[0], zeros[0], zeros)).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    return torch.from_numpy(crf_numba.log_partition(*as_arrays(emissions, mask, scores, legal)))
