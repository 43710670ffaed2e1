"""The compiled CPU kernels behind torch: tensors in, tensors out, and as little as possible in between.

For a batch of short sentences, these kernels take less time than twenty operations of torch.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from ner_lightning.functional.crf.backend import refuse_second_derivative, wide
from ner_lightning.functional.crf.chain import check_mask, closed_chain
from ner_lightning.functional.crf.numba import partition
from ner_lightning.functional.crf.numba.compiled import count_words
from ner_lightning.functional.crf.numba.path import first_outside, subtract
from ner_lightning.functional.crf.paths import check_tags, legal_path

# Emissions, lengths, start, end, transitions.
Arrays: TypeAlias = tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[Any], NDArray[Any]]
# Emissions, start, end, transitions, tags, mask, legal moves.
_Given: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None, Tensor, Tensor | None]


class _Loss(NamedTuple):
    """The loss of each sentence and its gradients; those of start, end and transitions share one array."""

    value: Float64[np.ndarray, "batch"]
    emissions: Float[np.ndarray, "batch words tags"]
    moves: Float64[np.ndarray, "moves tags"]


def as_arrays(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    scores: tuple[Tensor, Tensor, Tensor],
    legal: Bool[Tensor, "closed closed"] | None,
) -> Arrays:
    """Convert the tensors to arguments of a kernel, illegal moves at minus infinity; shares memory if possible.

    Raises:
        ValueError: a mask with holes; shapes were checked before (`chain.check_shapes`).
    """
    # Half precision has no arithmetic there; float32 is read as it is.
    given = emissions.detach().to(wide(emissions.dtype)).numpy()
    start, end, transitions = (part.detach().to(wide(part.dtype)).numpy() for part in scores)
    if legal is not None:
        table = legal.numpy()
        start, end = np.where(table[-1, :-1], start, -np.inf), np.where(table[:-1, -1], end, -np.inf)
        transitions = np.where(table[:-1, :-1], transitions, -np.inf)
    lengths = np.empty(len(mask), np.int64)
    if mask.dtype != torch.bool or not count_words(np.ascontiguousarray(mask.numpy()), lengths):
        check_mask(mask)  # says what is wrong
    return given, lengths, start, end, transitions


class CompiledLoss(torch.autograd.Function):
    """log Z - score(tags), or log Z alone if tags is None; the gradient is expected minus observed counts.

    The kernel sums the counts of moves over all sentences, each with a weight. Forward runs it with weights of one. If
    the incoming gradient is the same for all sentences (the loss is a mean or a sum), backward scales the result;
    otherwise it runs the kernel again.
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
        """Compute everything the gradient needs, in one pass."""
        given = emissions, start, end, transitions, tags, mask, legal
        ctx.save_for_backward(*given)
        ctx.found = found = _run(given, np.ones(len(mask)))
        ctx.types = emissions.dtype, start.dtype
        if tags is not None and np.isposinf(found.value).any():
            legal_path(closed_chain(emissions, mask, start, end, transitions, legal), tags, mask)  # says what is wrong
        return torch.from_numpy(found.value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Weight the counts of each sentence by the incoming gradient."""
        refuse_second_derivative()
        # Read in any case, so that autograd reports what was freed or has been changed in place.
        given, weights = ctx.saved_tensors, gradients[0].numpy()
        # Scaled in place and handed out: a second backward (retain_graph) computes them again.
        found, ctx.found = ctx.found, None
        if found is None or not (weights == weights[:1]).all():
            found = _run(given, np.ascontiguousarray(weights))
        else:
            weight = float(weights[0]) if len(weights) else 0.0
            np.multiply(found.emissions, weight, out=found.emissions)
            np.multiply(found.moves, weight, out=found.moves)
        emissions_type, moves_type = ctx.types
        moves = torch.from_numpy(found.moves).to(moves_type)
        return torch.from_numpy(found.emissions).to(emissions_type), moves[0], moves[1], moves[2:], None, None, None


def _run(given: _Given, weights: Float64[np.ndarray, "batch"]) -> _Loss:
    emissions, start, end, transitions, tags, mask, legal = given
    rows, lengths, *parts = as_arrays(emissions, mask, (start, end, transitions), legal)
    first, last, between = (np.ascontiguousarray(part, np.float64) for part in parts)
    rows, n = np.ascontiguousarray(rows), len(start)
    value, d_emissions, d_moves = np.empty(len(rows)), np.empty_like(rows), np.zeros((n + 2, n))
    partition.differentiate(rows, lengths, first, last, between, weights, value, d_emissions, d_moves)
    if tags is not None:
        ids = np.ascontiguousarray(tags.numpy(), np.int64)
        whole = not (tags.is_floating_point() or tags.dtype == torch.bool)
        if not whole or ids.shape != rows.shape[:2] or first_outside(ids, lengths, n)[0] >= 0:
            check_tags(tags, mask, n)  # says what is wrong
        gradients = d_emissions, d_moves[0], d_moves[1], d_moves[2:]
        subtract(rows, lengths, first, last, between, weights, ids, value, *gradients)
    return _Loss(value, d_emissions, d_moves)


def log_partition(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    scores: tuple[Tensor, Tensor, Tensor],
    legal: Bool[Tensor, "closed closed"] | None = None,
) -> Float64[Tensor, batch]:
    """Compute the log-partition of each sentence in nats, without gradient.

    >>> zeros, mask = torch.zeros(2, 2), torch.ones(1, 3, dtype=torch.bool)
    >>> log_partition(torch.zeros(1, 3, 2), mask, (zeros[0], zeros[0], zeros)).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    return torch.from_numpy(partition.log_partition(*as_arrays(emissions, mask, scores, legal)))
