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

from ner_lightning.functional import crf_reference
from ner_lightning.functional.backend import Backend, choose_backend, full_precision
from ner_lightning.functional.constraints import Constraints, side_by_side, split_moves
from ner_lightning.functional.crf import sequence_score
from ner_lightning.functional.masking import reversed_positions
from ner_lightning.functional.potentials import check_shapes


class BestPath(NamedTuple):
    """The best tags, padded with 0, and their score in nats (minus infinity where no sequence is legal)."""

    tags: Int[Tensor, "batch words"]
    best_score: Float[Tensor, "batch"]


@torch.no_grad()
def viterbi_decode(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, "tags"],
    end: Float[Tensor, "tags"],
    transitions: Float[Tensor, "tags tags"],
    *,
    constraints: Constraints | None = None,
    backend: Backend = "auto",
) -> BestPath:
    """The argmax over y of score(x, y). The host never waits.

    Args:
        emissions: score of each tag for each word; anything, NaN included, at padding.
        mask: True for each word, right-padded.
        start: score of beginning with a tag; minus infinity forbids, as in the next two.
        end: score of ending with a tag.
        transitions: score of tag i followed by tag j at [i, j].
        constraints: legal moves; all if None.
        backend: `auto`, `torch`, `numba` or `reference` (pytorch-crf: a host synchronisation a word).

    Raises:
        ValueError: shapes that do not fit, a mask with holes (CPU).

    >>> emissions, mask = torch.tensor([[[1.0, 0.0], [0.0, 3.0]]]), torch.ones(1, 2, dtype=torch.bool)
    >>> viterbi_decode(emissions, mask, torch.zeros(2), torch.zeros(2), torch.zeros(2, 2))
    BestPath(tags=tensor([[0, 1]]), best_score=tensor([4.]))
    """
    chosen = choose_backend(backend, emissions)
    check_shapes(emissions, mask, transitions)
    tags = transitions.shape[0]
    with full_precision(emissions):
        dtype = torch.promote_types(emissions.dtype, torch.float32)
        scores = emissions.detach().to(dtype)
        start, end, transitions = split_moves(side_by_side(start, end, transitions, constraints).to(dtype), tags)
        if chosen == "reference":
            best = crf_reference.decode(scores, mask, start, end, transitions)
            return BestPath(best, sequence_score(scores, best, mask, start, end, transitions).to(dtype))
        if chosen == "numba":
            from ner_lightning.functional import viterbi_numba  # numba is slow to import and may be absent

            arrays = (part.numpy() for part in (scores, mask.sum(1), start, end, transitions))
            found, best_score = (torch.from_numpy(array) for array in viterbi_numba.viterbi(*arrays))
            return BestPath(found, best_score.to(dtype))
        return _viterbi(scores.masked_fill(~mask[..., None], 0.0), mask, start, end, transitions)


def _viterbi(emissions: Tensor, mask: Tensor, start: Tensor, end: Tensor, transitions: Tensor) -> BestPath:
    """Maxima forwards, three launches a word; then back pointers for the tags on the path alone, not for all."""
    batch, words, tags = emissions.shape
    sentences, lengths = torch.arange(batch, device=emissions.device), mask.sum(1)
    steps = emissions.transpose(0, 1).contiguous()
    table = torch.empty_like(steps)
    torch.add(steps[0], start, out=table[0])
    scores, by_word, candidates = table.unbind(), steps.unbind(), emissions.new_empty(batch, tags, tags)
    for t in range(1, words):
        torch.add(scores[t - 1][:, :, None], transitions, out=candidates)
        # Rounding is monotonic: the emission may be added after the maximum, the number is the same as inside of it.
        torch.amax(candidates, dim=1, out=scores[t]).add_(by_word[t])
    # Time turned round: all sentences begin at their last word together.
    order = reversed_positions(lengths, words)
    table, steps, into = table[order, sentences], steps[order, sentences], transitions.T.contiguous()
    final = table[0] + end
    path = [final.argmax(1)]
    before, by_word = table.unbind(), steps.unbind()
    for r in range(1, words):
        tag = path[-1]
        # With the emission inside, because rounding may make equals of what was not, and then the first one wins.
        path.append(((before[r] + into[tag]) + by_word[r - 1].gather(1, tag[:, None])).argmax(1))
    best = torch.stack(path)[order, sentences].T
    return BestPath(best.masked_fill(~mask, 0), final.amax(1))
