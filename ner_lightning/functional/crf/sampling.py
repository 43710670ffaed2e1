"""Exact samples of tag sequences from the model."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from ner_lightning.functional.crf import in_torch
from ner_lightning.functional.crf.backend import full_precision
from ner_lightning.functional.crf.chain import Chain


def sample(chain: Chain, n: int, generator: torch.Generator | None = None) -> Int[Tensor, "batch samples words"]:
    """Draw n sequences a sentence from p(y | x): forward filtering, backward sampling.

    y_t is drawn from p(y_t | y_{t+1}, x), proportional to alpha_t(k) exp(A_k,y_{t+1}), as the argmax of the logarithms
    plus Gumbel noise. Scott, "Bayesian methods for hidden Markov models", 2002.

    Args:
        chain: scores in float64.
        n: samples a sentence.
        generator: of random numbers, on the device of the scores; the global one if None.

    Returns:
        Tags padded with 0; meaningless for a sentence without a legal sequence.

    Raises:
        ValueError: n below 1.

    >>> from ner_lightning.functional.crf.chain import closed_chain
    >>> certain, mask = torch.tensor([[[0.0, 100.0], [100.0, 0.0]]]), torch.ones(1, 2, dtype=torch.bool)
    >>> sample(closed_chain(certain, mask, *torch.zeros(2, 2), torch.zeros(2, 2)), 2).tolist()
    [[[1, 0], [1, 0]]]
    """
    if n < 1:
        raise ValueError(f"expected at least one sample, got n={n}")
    with full_precision(chain.emissions), torch.no_grad():
        log_alpha = in_torch.lattice(chain).log_alpha
        batch, positions, closed = log_alpha.shape
        into = chain.moves.T
        tag = torch.full((batch, n), closed - 1, device=log_alpha.device)
        path = []
        for t in range(positions - 2, 0, -1):
            noise = torch.empty_like(into[tag]).exponential_(generator=generator).log_()
            tag = (log_alpha[:, t, None] + into[tag] - noise).argmax(2)
            path.append(tag)
        tags = torch.stack(path[::-1], dim=2)
        return tags.masked_fill(tags == closed - 1, 0)
