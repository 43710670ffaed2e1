"""Forward-backward in log space over the closed chain: exact for any scores, and slow.

The faster kernels multiply probabilities. They send the few sentences in which a number leaves the range of float64
here.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float64
from torch import Tensor


class Lattice(NamedTuple):
    """Sums over the tag sequences of each sentence, in nats.

    Attributes:
        log_alpha: log of the summed exp(score) of all beginnings that end in this tag here, its emission included.
        log_beta: the same of all endings that follow this tag here, its own emission excluded.
        log_z: the same of whole sequences; minus infinity where none is legal.
    """

    log_alpha: Float64[Tensor, "batch positions closed"]
    log_beta: Float64[Tensor, "batch positions closed"]
    log_z: Float64[Tensor, batch]


def log_forward_backward(
    emissions: Float64[Tensor, "batch positions closed"], moves: Float64[Tensor, "closed closed"]
) -> Lattice:
    """Run both recursions by log-sum-exp.

    alpha_t(k) = e_t(k) + logsumexp_j(alpha_{t-1}(j) + A_jk),
    beta_t(j) = logsumexp_k(A_jk + e_{t+1}(k) + beta_{t+1}(k)).
    Rabiner, "A tutorial on hidden Markov models", 1989.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> chain = closed_chain(torch.zeros(1, 3, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2))
    >>> log_forward_backward(chain.emissions, chain.moves).log_z.exp().round()
    tensor([8.], dtype=torch.float64)
    """
    steps = emissions.unbind(1)
    alphas, betas = [steps[0]], [torch.zeros_like(steps[0])]
    for emission in steps[1:]:
        alphas.append(emission + torch.logsumexp(alphas[-1][:, :, None] + moves, dim=1))
    for emission in steps[:0:-1]:
        betas.append(torch.logsumexp(moves + (emission + betas[-1])[:, None, :], dim=2))
    return Lattice(torch.stack(alphas, 1), torch.stack(betas[::-1], 1), alphas[-1][:, -1])


def log_marginals(lattice: Lattice) -> Float64[Tensor, "batch positions closed"]:
    """Compute P(y_t = k given x); zeros where no sequence is legal.

    >>> half = torch.zeros(1, 1, 2, dtype=torch.float64)
    >>> log_marginals(Lattice(half, half, torch.full((1,), 2.0, dtype=torch.float64).log())).tolist()
    [[[0.5, 0.5]]]
    """
    return (lattice.log_alpha + lattice.log_beta - _finite(lattice.log_z)[:, None, None]).exp_()


def log_pairs(
    lattice: Lattice, emissions: Float64[Tensor, "batch positions closed"], moves: Float64[Tensor, "closed closed"]
) -> Float64[Tensor, "batch closed closed"]:
    """Compute how often tag j is expected after tag i in each sentence; zeros where no sequence is legal.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> chain = closed_chain(torch.zeros(1, 3, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2))
    >>> lattice = log_forward_backward(chain.emissions, chain.moves)
    >>> (4 * log_pairs(lattice, chain.emissions, chain.moves)).round().tolist()
    [[[2.0, 2.0, 2.0], [2.0, 2.0, 2.0], [2.0, 2.0, 0.0]]]
    """
    ahead = emissions + lattice.log_beta - _finite(lattice.log_z)[:, None, None]
    pairs = torch.zeros_like(moves).repeat(len(emissions), 1, 1)
    for t in range(1, emissions.shape[1]):
        pairs += (lattice.log_alpha[:, t - 1, :, None] + moves + ahead[:, t, None, :]).exp_()
    return pairs


def _finite(log_z: Float64[Tensor, batch]) -> Float64[Tensor, batch]:
    """Replace minus infinity, which would make NaN when subtracted from itself."""
    return log_z.masked_fill(log_z == -torch.inf, 0.0)
