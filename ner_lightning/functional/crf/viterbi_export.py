"""Viterbi as one graph for exporters: no buffers written in place, no loop unrolled, any number of words."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch._higher_order_ops import scan

from ner_lightning.functional.crf.chain import closed_emissions


def viterbi_graph(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    moves: Float[Tensor, "closed closed"],
) -> Int[Tensor, "batch words"]:
    """Find the best tags of each sentence, padded with 0: the paths of `viterbi_decode`, by two scans.

    Args:
        emissions: score of each tag for each word, float32 or float64.
        mask: True for each word, right-padded.
        moves: the table of `chain.scored_moves`.

    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> viterbi_graph(torch.tensor([[[1.0, 0.0], [0.0, 3.0]]]), mask, torch.zeros(3, 3)).tolist()
    [[0, 1]]
    """
    # `scan` wants the same memory layout of its carry from the first step on.
    steps = closed_emissions(emissions, mask).transpose(0, 1).contiguous()
    first = steps[0].clone(memory_format=torch.contiguous_format)
    boundary = moves.shape[0] - 1

    def forwards(score: Tensor, emission: Tensor) -> tuple[Tensor, Tensor]:
        best, before = ((score[:, :, None] + moves) + emission[:, None, :]).max(dim=1)
        return best, before

    def backwards(tag: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        previous = before.gather(1, tag[:, None]).squeeze(1)
        return previous, previous.clone()

    _, pointers = scan(forwards, first, steps[1:].clone())
    last = torch.full((emissions.shape[0],), boundary, device=emissions.device)
    _, path = scan(backwards, last, pointers, reverse=True)
    return path[1:].T.masked_fill(~mask, 0)
