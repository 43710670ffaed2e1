"""Forward-backward in log space: exact whatever the scores, and slow.

The kernels that multiply probabilities send here the few sentences in which a number left the range of float64.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from ner_lightning.functional.constraints import split_moves
from ner_lightning.functional.masking import reversed_positions


class Lattice(NamedTuple):
    """Sums over the tag sequences of each sentence, in nats; what stands behind a sentence's last word means nothing.

    Attributes:
        log_alpha: log of the summed exp(score) of all beginnings up to this tag at this word, its emission included.
        log_beta: of all endings that follow this tag at this word, its own emission excluded.
        log_z: of all sequences; minus infinity where none is legal.
    """

    log_alpha: Float64[Tensor, "batch words tags"]
    log_beta: Float64[Tensor, "batch words tags"]
    log_z: Float64[Tensor, "batch"]


def log_forward_backward(
    emissions: Float64[Tensor, "batch words tags"], lengths: Int[Tensor, "batch"], moves: Float64[Tensor, "moves"]
) -> Lattice:
    """Both recursions by log-sum-exp.

    alpha_t(k) = e_t(k) + logsumexp_j(alpha_{t-1}(j) + A_jk),
    beta_t(j) = logsumexp_k(A_jk + e_{t+1}(k) + beta_{t+1}(k)).
    Rabiner, "A tutorial on hidden Markov models", 1989.

    >>> zeros = torch.zeros(1, 3, 2, dtype=torch.float64)
    >>> log_forward_backward(zeros, torch.tensor([3]), torch.zeros(8, dtype=torch.float64)).log_z.exp().round()
    tensor([8.], dtype=torch.float64)
    """
    batch, words, tags = emissions.shape
    start, end, transitions = split_moves(moves, tags)
    rows = torch.arange(batch, device=emissions.device)
    alphas = [start + emissions[:, 0]]
    for t in range(1, words):
        alphas.append(emissions[:, t] + torch.logsumexp(alphas[-1][:, :, None] + transitions, dim=1))
    # Time turned round: all sentences begin at their last word together, nothing has to be carried through padding.
    order = reversed_positions(lengths, words)
    backwards = emissions[rows, order]
    betas = [end.expand(batch, tags)]
    for r in range(1, words):
        betas.append(torch.logsumexp(transitions + (backwards[r - 1] + betas[-1])[:, None, :], dim=2))
    log_alpha = torch.stack(alphas, dim=1)
    log_beta = torch.stack(betas)[order, rows].transpose(0, 1)
    log_z = torch.logsumexp(log_alpha[rows, lengths - 1] + end, dim=1)
    return Lattice(log_alpha, log_beta, log_z)


def log_pairs(
    lattice: Lattice,
    emissions: Float64[Tensor, "batch words tags"],
    lengths: Int[Tensor, "batch"],
    moves: Float64[Tensor, "moves"],
) -> Float64[Tensor, "batch tags tags"]:
    """Expected number of times tag i is followed by tag j in each sentence; zeros where no sequence is legal.

    >>> zeros, lengths = torch.zeros(1, 3, 2, dtype=torch.float64), torch.tensor([3])
    >>> moves = torch.zeros(8, dtype=torch.float64)
    >>> log_pairs(log_forward_backward(zeros, lengths, moves), zeros, lengths, moves).mul(2).round().tolist()
    [[[1.0, 1.0], [1.0, 1.0]]]
    """
    batch, words, tags = emissions.shape
    transitions = split_moves(moves, tags)[2]
    legal = torch.where(lattice.log_z == -torch.inf, 0.0, lattice.log_z)[:, None, None]
    ahead = emissions + lattice.log_beta
    pairs = emissions.new_zeros(batch, tags, tags)
    for t in range(1, words):
        here = (lattice.log_alpha[:, t - 1, :, None] + transitions + ahead[:, t, None, :] - legal).exp_()
        pairs += torch.where((t < lengths)[:, None, None], here, 0.0)
    return pairs


def log_marginals(lattice: Lattice) -> Float64[Tensor, "batch words tags"]:
    """P(y_t = k given x); zeros where no sequence is legal, anything behind a sentence's last word.

    >>> zeros = torch.zeros(1, 1, 2, dtype=torch.float64)
    >>> log_marginals(log_forward_backward(zeros, torch.tensor([1]), torch.zeros(8, dtype=torch.float64))).tolist()
    [[[0.5, 0.5]]]
    """
    legal = torch.where(lattice.log_z == -torch.inf, 0.0, lattice.log_z)
    return (lattice.log_alpha + lattice.log_beta - legal[:, None, None]).exp_()
