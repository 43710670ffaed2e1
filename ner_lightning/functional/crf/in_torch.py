"""Forward-backward on any device, with few, large launches, no Python per sentence, no waiting for the host.

Over the closed chain alpha and beta follow the same recursion, so both advance in one batched product per word, in
exponential space and float64. An extra column of the matrix delivers the sum to rescale by.

A sentence whose numbers leave the range of float64 (700 nats) is computed again in log space:

- With all moves within twice `_MAX_MOVE` nats of each other none does: a tag that underflows could win back no more
  than that.
- Otherwise (hard constraints, scores far apart), a tag that can be reached and yet underflows may still be the one that
  counts. To find such sentences the host must look once. On the CPU that is free and done when needed. On any other
  device it is always done, after all launches: an unnoticed overflow would be worse than the wait.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from ner_lightning.functional.crf.chain import Chain
from ner_lightning.functional.crf.in_log_space import Lattice, log_forward_backward, log_marginals, log_pairs

# The middle of all moves is taken out of each. A step shrinks the sum of all weights by exp(-_MAX_MOVE) at worst then.
# Between two rescalings that must stay, in both directions together, within the 700 nats of float64:
# (2 * 10 + 1) * 28 = 588. It grows by log(tags) more a step at worst, for which `_reach` leaves room.
_RESCALE_EVERY = 10
_MAX_MOVE = 28.0
# Under this a weight counts as lost; what is above has all its digits, and what products lose (under 1e-308 times the
# largest weight) is nothing beside it.
_LOST = 1e-260
# Alpha times beta under this: what either lost may be more than what is left.
_APART = 1e-200


class Scan(NamedTuple):
    """The raw result of the recursion, position first; of two directions, 0 runs forwards and 1 backwards.

    Attributes:
        largest: the largest emission of each position, taken out.
        middle: what was taken out of each move; None for nothing.
        matrix: exp(moves - middle).
        weights: summed weight of everything before positions 1, 2, ..., including the move into them.
        products: the same including the emission, at positions 0, 1, ...; divided by the sum every few positions.
        divisors: those sums, in the forward direction.
        log_z: log-partition.
        sound: sentences in which no tag that might count underflowed; None where that cannot happen.
    """

    largest: Float64[Tensor, "positions batch one"]
    middle: float | Float64[Tensor, ""] | None
    matrix: Float64[Tensor, "closed closed"]
    weights: tuple[Float64[Tensor, "steps batch closed"], ...]
    products: tuple[Float64[Tensor, "steps batch closed"], ...]
    divisors: Float64[Tensor, "divisions batch one"]
    log_z: Float64[Tensor, batch]
    sound: Bool[Tensor, batch] | None


class Posterior(NamedTuple):
    """The quantities that a gradient needs.

    Attributes:
        log_z: log-partition of each sentence.
        closed: P(y_t = k given x) at positions 1, 2, ...: the words, then the boundary.
        left: with `right` and `matrix`, P(y_{t-1} = i, y_t = j given x) = left[t, i] matrix[i, j] right[t, j].
        redo: sentences whose `left` is zero and whose pairs are in `redone_pairs`.
    """

    log_z: Float64[Tensor, batch]
    closed: Float64[Tensor, "batch steps closed"]
    left: Float64[Tensor, "steps batch closed"]
    right: Float64[Tensor, "steps batch closed"]
    matrix: Float64[Tensor, "closed closed"]
    redo: Int[Tensor, redone] | None
    redone_pairs: Float64[Tensor, "redone closed closed"] | None

    @property
    def marginals(self) -> Float64[Tensor, "batch words tags"]:
        """P(y_t = k given x) of each word; zero at padding."""
        return self.closed[:, :-1, :-1]

    def expected_moves(self, weights: Float64[Tensor, "batch one"]) -> Float64[Tensor, "closed closed"]:
        """Compute the expected count of each move, summed over sentences with these weights."""
        closed = self.matrix.shape[0]
        left = (self.left * weights).view(-1, closed)
        counts = self.matrix * (left.T @ self.right.view(-1, closed))
        if self.redo is not None and self.redone_pairs is not None:
            counts = counts + (weights[self.redo][..., None] * self.redone_pairs).sum(0)
        return counts


def _run(
    factors: Float64[Tensor, "positions directions batch closed"],
    matrices: Float64[Tensor, "directions closed closed"],
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor]:
    """Set weights_t = products_{t-1} @ matrix, products_t = weights_t * factors_t, rescaled now and then.

    Factors become products in place: nothing needs them after their step.
    """
    positions, directions, batch, closed = factors.shape
    with_sum = torch.cat([matrices, matrices.sum(-1, keepdim=True)], dim=-1)
    columns = factors.new_empty(positions - 1, directions, batch, closed + 1)
    weights, sums = columns.split([closed, 1], dim=-1)
    divisors = sums[_RESCALE_EVERY - 1 : -1 : _RESCALE_EVERY]
    rows, before, steps, scales = columns.unbind(), weights.unbind(), factors.unbind(), divisors.unbind()
    for t in range(1, positions):
        torch.bmm(steps[t - 1], with_sum, out=rows[t - 1])
        if t == positions - 1:
            break
        steps[t].mul_(before[t - 1])
        if t % _RESCALE_EVERY == 0:
            steps[t].div_(scales[t // _RESCALE_EVERY - 1])
    return weights.unbind(1), factors[:-1].unbind(1), divisors[:, 0]


def _sound_sentences(
    products: Float64[Tensor, "steps batch closed"],
    emissions: Float64[Tensor, "positions batch closed"],
    moves: Float64[Tensor, "closed closed"],
) -> Bool[Tensor, batch]:
    """Find the sentences in which no tag is lost: none is absent that can be reached from a tag present.

    The forward direction is enough. If alpha is whole, a loss in beta shows where the two meet (`_meet`).
    """
    there = (products >= _LOST).float()
    before, after = there[:-1], there[1:]
    open_moves = (moves > -torch.inf).float().expand(len(after), -1, -1)
    # Reached from c >= 1 tags and not there: c - 0 > 0. Reached and there: c - (tags + 1) <= 0.
    fine = torch.baddbmm(after, before, open_moves, beta=-len(moves)) <= 0
    return (fine | (emissions[1:-1] == -torch.inf)).all((0, 2))


def _reach(closed: int) -> float:
    """Compute how far a move may be from the middle: less where more than 200 tags add up."""
    return min(_MAX_MOVE, 700.0 / (2 * _RESCALE_EVERY + 1) - log(closed))


def _middle(moves: Float64[Tensor, "closed closed"]) -> tuple[float | Tensor | None, bool]:
    """Choose what to subtract from each move (None: nothing), and tell whether all are then surely within reach.

    Forbidden moves do not count. If the others are too far apart, the largest is subtracted: weights may then
    underflow, which is noticed, but cannot overflow.
    """
    if moves.device.type == "cpu":
        table = moves.numpy()
        top, bottom = float(table.max()), float(table.min(where=table > -np.inf, initial=np.inf))
        reach = _reach(len(table))
        near = (top - bottom) / 2 <= reach
        if max(top, -bottom) <= reach:
            return None, near
        return (top + bottom) / 2 if near else top, near
    return _middle_unseen(moves), False  # to know more, the host would have to wait


def _middle_unseen(moves: Float64[Tensor, "closed closed"]) -> Float64[Tensor, ""]:
    """Choose the same on a device, without the host looking at the numbers."""
    highest, lowest = moves.amax(), moves.masked_fill(moves == -torch.inf, torch.inf).amin()
    near = (highest - lowest) / 2 <= _reach(len(moves))
    return torch.where(near, (highest + lowest) / 2, highest)


def scan(chain: Chain, directions: int) -> Scan:
    """Run the recursion forwards (`directions=1`) or both ways (2).

    Args:
        chain: scores in float64.
        directions: 1 or 2.
    """
    emissions, moves = chain.emissions.transpose(0, 1), chain.moves
    largest = emissions.amax(-1, keepdim=True)
    middle, near = _middle(moves)
    known = emissions.device.type == "cpu" and bool(np.isfinite(largest.numpy()).all())
    if not known:  # a word without any tag it may have: minus infinity less minus infinity would be NaN
        largest.clamp_(min=torch.finfo(largest.dtype).min)
    factors, matrix = (emissions - largest).exp_(), (moves - middle).exp_() if middle is not None else moves.exp()
    if directions == 2:
        steps, matrices = torch.stack([factors, factors.flip(0)], 1), torch.stack([matrix, matrix.T])
    else:
        steps, matrices = factors[:, None], matrix[None]
    weights, products, divisors = _run(steps, matrices)
    # The weight at the boundary after the sentence, and all that was taken out on the way.
    log_z = torch.cat([weights[0][-1:, :, -1:], divisors]).log().sum((0, 2)) + largest.sum((0, 2))
    if middle is not None:
        log_z += middle * (len(emissions) - 1)
    guard = chain.guard or not (near and known)
    sound = _sound_sentences(products[0], emissions, moves) if guard else None
    return Scan(largest, middle, matrix, weights, products, divisors, log_z, sound)


def _redo(sound: Bool[Tensor, batch] | None) -> Int[Tensor, redone] | None:
    """List the positions of the sentences that are not sound, None for none; the host waits here, once."""
    if sound is None:
        return None
    if sound.device.type == "cpu" and sound.numpy().all():
        return None
    positions = (~sound).nonzero().squeeze(1)
    return positions if len(positions) else None


def log_partition(chain: Chain) -> Float64[Tensor, batch]:
    """Compute the log-partition of each sentence, in nats.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> log_partition(closed_chain(torch.zeros(1, 3, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2))).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    front = scan(chain, 1)
    sound = None if front.sound is None else front.sound & (front.weights[0][-1, :, -1] >= _LOST)
    if (redo := _redo(sound)) is None:
        return front.log_z
    return front.log_z.index_copy(0, redo, log_forward_backward(chain.emissions[redo], chain.moves).log_z)


def _meet(both: Scan) -> tuple[Tensor, Tensor, Tensor, Bool[Tensor, batch] | None]:
    """Multiply alpha and beta at positions 1, 2, ...; returns products, sums, beta, and the sentences still sound."""
    beta = both.products[1].flip(0)
    joint = both.weights[0] * beta
    total = joint.sum(-1, keepdim=True)
    sound = None if both.sound is None else both.sound & (total >= _APART).all((0, 2))
    return joint, total, beta, sound


def posterior(chain: Chain) -> Posterior:
    """Compute log-partition and marginals, and keep what expected counts of moves need.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> found = posterior(closed_chain(torch.zeros(1, 2, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2)))
    >>> found.marginals.tolist(), found.expected_moves(torch.ones(1, 1, dtype=torch.float64)).tolist()[0]
    ([[[0.5, 0.5], [0.5, 0.5]]], [0.25, 0.25, 0.5])
    """
    both = scan(chain, 2)
    joint, total, beta, sound = _meet(both)
    log_z, left, right, pairs = both.log_z, both.products[0], beta.div_(total), None
    marginals = joint.div_(total).transpose(0, 1)
    if (redo := _redo(sound)) is not None:
        emissions = chain.emissions[redo]
        again = log_forward_backward(emissions, chain.moves)
        log_z = log_z.index_copy(0, redo, again.log_z)
        marginals = marginals.index_copy(0, redo, log_marginals(again)[:, 1:])
        pairs = log_pairs(again, emissions, chain.moves)
        left, right = left.index_fill(1, redo, 0.0), right.index_fill(1, redo, 0.0)
    return Posterior(log_z, marginals, left, right, both.matrix, redo, pairs)


def lattice(chain: Chain) -> Lattice:
    """Compute the logarithms of alpha, beta and Z, which answer every question about tag sequences.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask = torch.ones(1, 2, dtype=torch.bool)
    >>> found = lattice(closed_chain(torch.zeros(1, 2, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2)))
    >>> found.log_alpha[0, 1:3, :2].exp().round().tolist(), found.log_beta[0, 1:3, :2].exp().round().tolist()
    ([[1.0, 1.0], [2.0, 2.0]], [[2.0, 2.0], [1.0, 1.0]])
    """
    both = scan(chain, 2)
    sound = _meet(both)[3]
    emissions = chain.emissions.transpose(0, 1)
    # All that alpha was divided by before each position.
    scales = both.largest.cumsum(0) - both.largest
    steps = torch.zeros_like(scales)
    steps[_RESCALE_EVERY + 1 :: _RESCALE_EVERY] = both.divisors.log()
    scales = scales + steps.cumsum(0)
    if both.middle is not None:
        scales += torch.arange(len(steps), dtype=steps.dtype, device=steps.device)[:, None, None] * both.middle
    log_alpha = torch.cat([emissions[:1], both.weights[0].log() + scales[1:] + emissions[1:]])
    # log sum_k alpha_t(k) beta_t(k) = log Z at every position: that fixes the scale of beta.
    raw = torch.cat([both.weights[1].flip(0).log(), torch.zeros_like(emissions[:1])])
    log_beta = raw + (both.log_z[:, None] - torch.logsumexp(log_alpha + raw, -1, keepdim=True))
    found = Lattice(log_alpha.transpose(0, 1), log_beta.transpose(0, 1), both.log_z)
    if (redo := _redo(sound)) is None:
        return found
    again = log_forward_backward(chain.emissions[redo], chain.moves)
    return Lattice(*(whole.index_copy(0, redo, part) for whole, part in zip(found, again, strict=True)))
