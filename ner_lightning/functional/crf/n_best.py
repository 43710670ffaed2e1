"""The n best tag sequences of each sentence, with scores and probabilities."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from ner_lightning.functional.crf import in_torch
from ner_lightning.functional.crf.backend import full_precision
from ner_lightning.functional.crf.chain import Chain


class NBest(NamedTuple):
    """Best first; where a sentence has fewer sequences than requested, the rest score minus infinity.

    Attributes:
        tags: padded with 0.
        scores: in nats.
        probabilities: exp(score - log Z).
    """

    tags: Int[Tensor, "batch paths words"]
    scores: Float64[Tensor, "batch paths"]
    probabilities: Float64[Tensor, "batch paths"]


def n_best(chain: Chain, n: int) -> NBest:
    """Find the n best sequences by Viterbi with n ways into each tag. Among equals the lower tags come first.

    Args:
        chain: scores in float64.
        n: how many sequences, at least 1.

    Raises:
        ValueError: n below 1.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> emissions, mask = torch.tensor([[[0.0, 1.0], [0.0, 3.0]]]), torch.ones(1, 2, dtype=torch.bool)
    >>> best = n_best(closed_chain(emissions, mask, *torch.zeros(2, 2), torch.zeros(2, 2)), 3)
    >>> best.tags.tolist(), best.scores.tolist()
    ([[[1, 1], [0, 1], [1, 0]]], [[4.0, 3.0, 1.0]])
    """
    if n < 1:
        raise ValueError(f"expected at least one path, got n={n}")
    with full_precision(chain.emissions), torch.no_grad():
        emissions, into = chain.emissions, chain.moves.T.contiguous()
        batch, positions, closed = emissions.shape
        scores = emissions.new_full((batch, closed, n), -torch.inf)
        scores[:, :, 0] = emissions[:, 0]
        pointers = []
        for t in range(1, positions):
            scores, way = _advance(scores, into, emissions[:, t])
            pointers.append(way)
        # Every path ends at the boundary: its n ways are the n best paths.
        state = torch.arange((closed - 1) * n, closed * n, device=emissions.device).expand(batch, n)
        path = []
        for way in pointers[:0:-1]:
            state = way.flatten(1).gather(1, state)
            path.append(state // n)
        tags = torch.stack(path[::-1], dim=2)
        final = scores[:, -1]
        log_z = in_torch.log_partition(chain)[:, None]
        probabilities = (final - log_z).exp_().masked_fill(final == -torch.inf, 0.0)
        return NBest(tags.masked_fill(tags == closed - 1, 0), final, probabilities)


def _advance(
    scores: Float64[Tensor, "batch closed n"],
    into: Float64[Tensor, "closed closed"],
    emission: Float64[Tensor, "batch closed"],
) -> tuple[Float64[Tensor, "batch closed n"], Int[Tensor, "batch closed n"]]:
    """Find the n best ways into each tag, best first, each with its origin: tag before * n + its rank there.

    Only the n tags before with the best first ways are considered: any other tag has at least n ways ahead of its own.
    That makes n * n ways into each tag instead of tags * n. Sorting is stable: equals stay in the order of their tags.
    """
    n = scores.shape[2]
    best = (scores[:, None, :, 0] + into) + emission[:, :, None]
    before = best.sort(dim=2, descending=True, stable=True).indices[:, :, :n].sort(dim=2).values
    moves = into.expand(len(scores), -1, -1).gather(2, before)
    rows = torch.arange(len(scores), device=scores.device)[:, None, None]
    ways = (scores[rows, before] + moves[..., None]) + emission[:, :, None, None]
    ordered, way = ways.flatten(2).sort(dim=2, descending=True, stable=True)
    way = way[:, :, :n]
    return ordered[:, :, :n], before.gather(2, way // n) * n + way % n
