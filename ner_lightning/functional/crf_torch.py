"""Forward-backward on any device: few, large launches, no Python per sentence, nothing waits for the host.

Alpha and beta are the same recursion, one from the front and one from the back, so both advance in one batched product
a word, in exponential space and float64. An extra column of the matrix delivers the sum to rescale by.

Where float64's range (700 nats between the tags of one word) does not do, a sentence is done again in log space:

- All moves finite and within `_MAX_SPREAD` nats: a tag that underflows could win back `_MAX_SPREAD` at most. Harmless.
- Otherwise (hard constraints): a tag that can be reached and yet underflows may be the one that counts in the end.
  Finding such sentences needs a look from the host: one, on the CPU always, elsewhere when `guard` is set.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float32, Float64, Int
from torch import Tensor

from ner_lightning.functional.constraints import split_moves
from ner_lightning.functional.crf_log import Lattice, log_forward_backward, log_marginals, log_pairs
from ner_lightning.functional.masking import reversed_positions

# Two steps between rescalings, two directions: four times this must stay well within the 700 nats of float64.
_MAX_SPREAD = 120.0
_RESCALE_EVERY = 2
# Under this a weight counts as lost; what is above still has all its digits.
_LOST = 1e-290
_LOWEST = torch.finfo(torch.float64).min


class Scan(NamedTuple):
    """The recursion's raw result, time first; direction 0 runs from the front, direction 1 from the back.

    Attributes:
        factors: exp(emission - largest of the word).
        weights: summed weight of everything before the word and the move into it, rescaled.
        reached: the same with the word's own factor.
        matrix: exp(transition - offset).
        scales: what the front direction was divided by at each word.
        log_scales: log of all that the front direction was divided by up to each word.
        order: position of the r-th word from the end.
        log_z: log-partition.
        lost: sentences in which a tag underflowed that might count; None where that cannot be.
    """

    factors: Float64[Tensor, "words batch tags"]
    weights: Float64[Tensor, "words directions batch tags"]
    reached: Float64[Tensor, "words directions batch tags"]
    matrix: Float64[Tensor, "tags tags"]
    scales: Float64[Tensor, "words batch"]
    log_scales: Float64[Tensor, "words batch"]
    order: Int[Tensor, "words batch"]
    log_z: Float64[Tensor, "batch"]
    lost: Bool[Tensor, "batch"] | None

    @property
    def weights_from_the_back(self) -> Float64[Tensor, "words batch tags"]:
        """Beta of each word, rescaled, in the order of the sentence."""
        return self.weights[:, 1][self.order, torch.arange(self.order.shape[1], device=self.order.device)]


class Posterior(NamedTuple):
    """What a gradient needs.

    Attributes:
        log_z: log-partition of each sentence.
        marginals: P(y_t = k given x); zero at padding.
        left: with `right` and `matrix`, P(y_{t-1} = i, y_t = j given x) = left[t-1, i] matrix[i, j] right[t-1, j].
        redo: sentences whose `left` is zero and whose pairs are in `redone_pairs`.
    """

    log_z: Float64[Tensor, "batch"]
    marginals: Float64[Tensor, "batch words tags"]
    left: Float64[Tensor, "steps batch tags"]
    right: Float64[Tensor, "steps batch tags"]
    matrix: Float64[Tensor, "tags tags"]
    redo: Int[Tensor, "redone"] | None
    redone_pairs: Float64[Tensor, "redone tags tags"] | None

    def expected_transitions(self, weights: Float64[Tensor, "batch"]) -> Float64[Tensor, "tags tags"]:
        """Expected count of each pair of neighbouring tags, summed over sentences with these weights."""
        tags = self.matrix.shape[0]
        right = (self.right * weights[:, None]).view(-1, tags)
        counts = self.matrix * (self.left.view(-1, tags).T @ right)
        if self.redo is not None and self.redone_pairs is not None:
            counts = counts + torch.einsum("b,bij->ij", weights[self.redo], self.redone_pairs)
        return counts


def _run(
    factors: Float64[Tensor, "words directions batch tags"],
    first: Float64[Tensor, "directions one tags"],
    matrices: Float64[Tensor, "directions tags tags"],
) -> Float64[Tensor, "words directions batch columns"]:
    """weights_t = (weights_{t-1} * factors_{t-1}) @ matrix, every other word divided by its sum (the last column)."""
    words, directions, batch, tags = factors.shape
    with_sum = torch.cat([matrices, matrices.sum(-1, keepdim=True)], dim=-1)
    columns = factors.new_empty(words, directions, batch, tags + 1)
    columns[0, ..., :tags] = first
    rows, weights, sums = columns.unbind(), columns[..., :tags].unbind(), columns[..., tags:].unbind()
    steps, product = factors.unbind(), torch.empty_like(factors[0])
    for t in range(1, words):
        torch.mul(weights[t - 1], steps[t - 1], out=product)
        torch.bmm(product, with_sum, out=rows[t])
        if t % _RESCALE_EVERY == 0:
            weights[t].div_(sums[t])
    return columns


def _lost_sentences(
    reached: Float64[Tensor, "words directions batch tags"],
    emissions: Float64[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
    order: Int[Tensor, "words batch"],
) -> Bool[Tensor, "batch"]:
    """Sentences with a tag that can be reached from a tag that was there, and is not there."""
    words, directions, batch, tags = reached.shape
    start, end, transitions = (part > -torch.inf for part in split_moves(moves, tags))
    there = reached >= _LOST
    possible = (emissions > -torch.inf).transpose(0, 1)
    if directions == 2:
        backwards = possible[order, torch.arange(batch, device=order.device)]
        possible, first = torch.stack([possible, backwards], 1), torch.stack([start, end])[:, None]
        matrices = torch.stack([transitions, transitions.T])
    else:
        possible, first, matrices = possible[:, None], start[None, None], transitions[None]
    came: Float32[Tensor, "steps directions batch tags"] = there[:-1].float() @ matrices.float()
    expected = torch.cat([first.expand(1, directions, batch, tags), came > 0]) & possible
    inside = torch.arange(words, device=lengths.device)[:, None] < lengths
    return ((expected & ~there).any(-1) & inside[:, None]).any(0).any(0)


def scan(
    emissions: Float64[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
    directions: int,
    guard: bool,
) -> Scan:
    """Run the recursion from the front (`directions=1`) or from both ends (2).

    Args:
        emissions: zero behind each sentence's last word, minus infinity where a tag is not allowed.
        lengths: words of each sentence.
        moves: start, end and transition scores side by side.
        directions: 1 or 2.
        guard: whether moves or emissions may be minus infinity. On the CPU this is seen; elsewhere looking would make
            the host wait, and a spread of moves beyond what is safe makes log_z NaN instead of silently wrong.
    """
    batch, words, tags = emissions.shape
    low, high = torch.aminmax(moves)
    high = high.clamp(min=_LOWEST)
    spread, on_cpu = high - low, emissions.device.type == "cpu"
    guard = guard or (on_cpu and not bool(spread <= _MAX_SPREAD))
    start, end, matrix = split_moves((moves - high).exp_(), tags)
    by_time = emissions.transpose(0, 1)
    largest = by_time.amax(-1, keepdim=True)
    if guard:
        largest = largest.clamp(min=_LOWEST)
    factors = (by_time - largest).exp_()
    order = reversed_positions(lengths, words)
    sentences = torch.arange(batch, device=lengths.device)
    if directions == 2:
        both = torch.stack([factors, factors[order, sentences]], dim=1)
        columns = _run(both, torch.stack([start, end])[:, None], torch.stack([matrix, matrix.T]))
    else:
        both = factors[:, None]
        columns = _run(both, start[None, None], matrix[None])
    weights = columns[..., :tags]
    reached = weights * both
    scales = torch.ones_like(largest)
    scales[_RESCALE_EVERY::_RESCALE_EVERY] = columns[_RESCALE_EVERY::_RESCALE_EVERY, 0, :, tags:]
    log_scales = (scales.log() + largest + high).squeeze(-1).cumsum(0)
    last = order[0]
    log_z = (reached[last, 0, sentences] @ end).log_() + log_scales[last, sentences] + high
    lost = None
    if guard:
        lost = _lost_sentences(reached, emissions, lengths, moves, order)
    elif not on_cpu:
        log_z = torch.where(spread <= _MAX_SPREAD, log_z, torch.nan)
    return Scan(factors, weights, reached, matrix, scales.squeeze(-1), log_scales, order, log_z, lost)


def _redo(lost: Bool[Tensor, "batch"] | None) -> Int[Tensor, "redone"] | None:
    """Positions of the lost sentences, None for none. The host waits here, once."""
    if lost is None:
        return None
    positions = lost.nonzero().squeeze(1)
    return positions if len(positions) else None


def log_partition(
    emissions: Float64[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
    guard: bool,
) -> Float64[Tensor, "batch"]:
    """The log-partition of each sentence, in nats; arguments as in `scan`.

    >>> zeros = torch.zeros(1, 3, 2, dtype=torch.float64)
    >>> log_partition(zeros, torch.tensor([3]), torch.zeros(8, dtype=torch.float64), guard=False).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    front = scan(emissions, lengths, moves, 1, guard)
    if (redo := _redo(front.lost)) is None:
        return front.log_z
    return front.log_z.index_copy(0, redo, log_forward_backward(emissions[redo], lengths[redo], moves).log_z)


def _joint(
    both: Scan, inside: Bool[Tensor, "words batch one"]
) -> tuple[Float64[Tensor, "words batch tags"], Float64[Tensor, "words batch one"], Bool[Tensor, "batch"] | None]:
    """Alpha times beta, their sum at each word, and the lost sentences, with those where the two do not meet."""
    joint = both.reached[:, 0] * both.weights_from_the_back
    total = joint.sum(-1, keepdim=True)
    lost = None if both.lost is None else both.lost | (~(total >= _LOST) & inside).squeeze(-1).any(0)
    return joint, total, lost


def posterior(
    emissions: Float64[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
    guard: bool,
) -> Posterior:
    """The log-partition with marginals and what expected transition counts need; arguments as in `scan`.

    >>> zeros = torch.zeros(1, 2, 2, dtype=torch.float64)
    >>> found = posterior(zeros, torch.tensor([2]), torch.zeros(8, dtype=torch.float64), guard=False)
    >>> found.marginals.tolist(), found.expected_transitions(torch.ones(1, dtype=torch.float64)).tolist()
    ([[[0.5, 0.5], [0.5, 0.5]]], [[0.25, 0.25], [0.25, 0.25]])
    """
    words = emissions.shape[1]
    both = scan(emissions, lengths, moves, 2, guard)
    inside = (torch.arange(words, device=lengths.device)[:, None] < lengths)[..., None]
    joint, total, lost = _joint(both, inside)
    marginals = torch.where(inside, joint / total, 0.0)
    # A pair's weight is left * matrix * right over their sum at this word, which is `total` before rescaling.
    right = torch.where(inside, both.factors * both.weights_from_the_back / (total * both.scales[..., None]), 0.0)[1:]
    left = torch.where(inside, both.reached[:, 0], 0.0)[:-1]
    log_z, by_sentence, pairs = both.log_z, marginals.transpose(0, 1), None
    if (redo := _redo(lost)) is not None:
        again = log_forward_backward(emissions[redo], lengths[redo], moves)
        log_z = log_z.index_copy(0, redo, again.log_z)
        exact = torch.where(inside.transpose(0, 1)[redo], log_marginals(again), 0.0)
        by_sentence = by_sentence.index_copy(0, redo, exact)
        pairs = log_pairs(again, emissions[redo], lengths[redo], moves)
        left, right = left.index_fill(1, redo, 0.0), right.index_fill(1, redo, 0.0)
    return Posterior(log_z, by_sentence, left, right, both.matrix, redo, pairs)


def lattice(
    emissions: Float64[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
    guard: bool,
) -> Lattice:
    """The logarithms of alpha, beta and Z, which answer every question about tag sequences; arguments as in `scan`.

    >>> zeros = torch.zeros(1, 2, 2, dtype=torch.float64)
    >>> found = lattice(zeros, torch.tensor([2]), torch.zeros(8, dtype=torch.float64), guard=False)
    >>> found.log_alpha.exp().round().tolist(), found.log_beta.exp().round().tolist()
    ([[[1.0, 1.0], [2.0, 2.0]]], [[[2.0, 2.0], [1.0, 1.0]]])
    """
    words = emissions.shape[1]
    both = scan(emissions, lengths, moves, 2, guard)
    inside = (torch.arange(words, device=lengths.device)[:, None] < lengths)[..., None]
    _, total, lost = _joint(both, inside)
    scales = both.log_scales[..., None]
    log_alpha = (both.reached[:, 0].log() + scales).transpose(0, 1)
    # log sum_k alpha_t(k) beta_t(k) = log Z at every word: that is the scale of beta.
    log_beta = (both.weights_from_the_back.log() + (both.log_z[:, None] - total.log() - scales)).transpose(0, 1)
    found = Lattice(log_alpha, log_beta, both.log_z)
    if (redo := _redo(lost)) is None:
        return found
    again = log_forward_backward(emissions[redo], lengths[redo], moves)
    return Lattice(*(whole.index_copy(0, redo, part) for whole, part in zip(found, again, strict=True)))
