"""Probabilities from the lattice: of tags and of whole paths, and the entropy over all paths."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from ner_lightning.functional.crf import in_torch
from ner_lightning.functional.crf.backend import full_precision
from ner_lightning.functional.crf.chain import Chain
from ner_lightning.functional.crf.loss import nll


def marginals(chain: Chain) -> Float64[Tensor, "batch words tags"]:
    """Compute P(y_t = k given x), the gradient of log Z; zeros at padding.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask = torch.ones(1, 1, dtype=torch.bool)
    >>> marginals(closed_chain(torch.zeros(1, 1, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2))).tolist()
    [[[0.5, 0.5]]]
    """
    with full_precision(chain.emissions), torch.no_grad():
        return in_torch.posterior(chain).marginals


def path_probability(
    emissions: Float[Tensor, "batch words tags"],
    tags: Int[Tensor, "batch words"],
    mask: Bool[Tensor, "batch words"],
    start: Float[Tensor, tags],
    end: Float[Tensor, tags],
    transitions: Float[Tensor, "tags tags"],
    *,
    legal: Bool[Tensor, "closed closed"] | None = None,
) -> Float64[Tensor, batch]:
    """Compute p(y | x) = exp(score - log Z) of whole tag sequences; arguments as in `loss.nll`.

    >>> mask, tags = torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 2, dtype=torch.long)
    >>> path_probability(torch.zeros(1, 2, 2), tags, mask, *torch.zeros(2, 2), torch.zeros(2, 2))
    tensor([0.2500], dtype=torch.float64)
    """
    with torch.no_grad():
        return nll(emissions, tags, mask, start, end, transitions, legal=legal).neg_().exp_()


def entropy(chain: Chain) -> Float64[Tensor, batch]:
    """Compute the entropy of p(y | x) over all tag sequences, in nats.

    It is the sum over words of the expected -log p(y_t | y_{t-1}, x). Log Z minus the expected score is the same on
    paper, but loses precision as the difference of two numbers that may be millions. After Mann and McCallum,
    "Efficient computation of entropy gradient for semi-supervised conditional random fields", 2007.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> mask = torch.ones(1, 3, dtype=torch.bool)
    >>> entropy(closed_chain(torch.zeros(1, 3, 2), mask, *torch.zeros(2, 2), torch.zeros(2, 2))).exp().round()
    tensor([8.], dtype=torch.float64)
    """
    with full_precision(chain.emissions), torch.no_grad():
        found = in_torch.lattice(chain)
        log_z = found.log_z.masked_fill(found.log_z == -torch.inf, 0.0)  # no legal sequence: nothing adds up
        here = found.log_alpha + found.log_beta - log_z[:, None, None]
        ahead = chain.emissions + found.log_beta
        total = torch.zeros_like(found.log_z)
        for t in range(1, here.shape[1]):
            before = here[:, t - 1, :, None]
            after = (chain.moves + ahead[:, t, None]) - found.log_beta[:, t - 1, :, None]
            impossible = (before == -torch.inf) | (after == -torch.inf)
            total -= ((before + after).exp_() * after).masked_fill_(impossible, 0.0).sum((1, 2))
        return total.clamp_(min=0.0)
