"""The best tag sequence of each sentence (Viterbi, 1967), for a whole batch at once.

Arithmetic is that of pytorch-crf, in the precision of the emissions (float32 at least): (score + transition) +
emission, and among equals the tag of the lowest index. So the paths are those of pytorch-crf, with its ties and its
rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ner_lightning.functional.crf import reference
from ner_lightning.functional.crf.backend import Backend, choose_backend, full_precision, wide
from ner_lightning.functional.crf.chain import check_mask, check_numbers, check_shapes, closed_emissions, scored_moves
from ner_lightning.functional.crf.loss import sequence_score


class BestPath(NamedTuple):
    """The best tags, padded with 0, and their score in nats (minus infinity where no sequence is legal)."""

    tags: Int[Tensor, "batch words"]
    best_score: Float[Tensor, batch]


@torch.no_grad()
def viterbi_decode(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    *,
    legal: Bool[Tensor, "closed closed"] | None = None,
    backend: Backend = "auto",
) -> BestPath:
    """Find the y of highest score(x, y), arguments as in `loss.log_partition`. The host never waits.

    Only `reference` (pytorch-crf) makes it wait: once per word.

    Raises:
        ValueError: shapes that do not fit; on the CPU also a mask with holes, and NaN at a word (elsewhere its score is
            NaN).

    >>> emissions, mask = torch.tensor([[[1.0, 0.0], [0.0, 3.0]]]), torch.ones(1, 2, dtype=torch.bool)
    >>> viterbi_decode(emissions, mask, torch.zeros(2), torch.zeros(2), torch.zeros(2, 2))
    BestPath(tags=tensor([[0, 1]]), best_score=tensor([4.]))
    """
    chosen = choose_backend(backend, emissions)
    check_shapes(emissions, mask, start, end, transitions)
    check_numbers(emissions, mask)
    if chosen == "numba":
        from ner_lightning.functional.crf import in_numba
        from ner_lightning.functional.crf.numba import viterbi  # numba is slow to import and may be absent

        arrays = in_numba.as_arrays(emissions, mask, (start, end, transitions), legal)
        found, best_score = viterbi.viterbi(*arrays)
        return BestPath(torch.from_numpy(found), torch.from_numpy(best_score).to(wide(emissions.dtype)))
    check_mask(mask)
    with full_precision(emissions):
        dtype = wide(emissions.dtype)
        moves = scored_moves(start, end, transitions, legal).to(dtype)
        if chosen == "torch":
            return _viterbi(closed_emissions(emissions, mask, dtype=dtype), moves)
        scores, parts = emissions.to(dtype), (moves[-1, :-1], moves[:-1, -1], moves[:-1, :-1])
        best = reference.decode(scores, mask, *parts)
        return BestPath(best, sequence_score(scores, best, mask, *parts).to(dtype))


def _viterbi(emissions: Float[Tensor, "batch positions closed"], moves: Float[Tensor, "closed closed"]) -> BestPath:
    """Compute maxima forwards, in three launches per word, then back pointers only for the tags on the path."""
    batch, positions, closed = emissions.shape
    steps = emissions.transpose(0, 1).contiguous()
    table, candidates = torch.empty_like(steps), emissions.new_empty(batch, closed, closed)
    table[0] = steps[0]
    scores, by_word = table.unbind(), steps.unbind()
    for t in range(1, positions):
        torch.add(scores[t - 1][:, :, None], moves, out=candidates)
        # Rounding is monotonic: adding the emission after the maximum gives the same number as adding it before.
        torch.amax(candidates, dim=1, out=scores[t]).add_(by_word[t])
    into = moves.T.contiguous()
    tag = emissions.new_full((batch,), closed - 1, dtype=torch.long)
    path = []
    for t in range(positions - 1, 1, -1):
        # Here the emission is added before: rounding may make unequal numbers equal, and then the first one wins.
        tag = ((scores[t - 1] + into[tag]) + by_word[t].gather(1, tag[:, None])).argmax(1)
        path.append(tag)
    best = torch.stack(path[::-1], 1)
    return BestPath(best.masked_fill(best == closed - 1, 0), scores[-1][:, -1])
