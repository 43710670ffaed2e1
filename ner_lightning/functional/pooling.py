"""From subword vectors to word vectors."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Pooling = Literal["first", "last", "mean"]


def pool_words(
    hidden: Float[Tensor, "subwords hidden"],
    first_subword: Int[Tensor, "batch words"],
    subword_count: Int[Tensor, "batch words"],
    pooling: Pooling = "first",
) -> Float[Tensor, "batch words hidden"]:
    """Pool subwords into one vector per word: the first, the last, or the mean of all.

    The mean is a difference of running sums in float64: few launches, no host synchronisation, no padding to the
    longest word. Padding words (`subword_count` 0) get arbitrary vectors; mask them.

    Args:
        hidden: the encoder's rows, flattened.
        first_subword: position of each word's first subword in `hidden`.
        subword_count: subwords of each word; they stand next to each other.
        pooling: `first`, `last` or `mean`.

    >>> hidden = torch.tensor([[0.0], [1.0], [3.0], [9.0]])
    >>> first, count = torch.tensor([[1, 3]]), torch.tensor([[2, 1]])
    >>> [pool_words(hidden, first, count, how).squeeze().tolist() for how in ("first", "last", "mean")]
    [[1.0, 9.0], [3.0, 9.0], [2.0, 9.0]]
    """
    if pooling == "first":
        return hidden[first_subword]
    if pooling == "last":
        return hidden[first_subword + (subword_count - 1).clamp(min=0)]
    sums = torch.nn.functional.pad(hidden.double().cumsum(0), (0, 0, 1, 0))
    total = sums[first_subword + subword_count] - sums[first_subword]
    return (total / subword_count.clamp(min=1).unsqueeze(-1)).to(hidden.dtype)
