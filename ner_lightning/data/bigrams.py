"""How often tags follow one another in a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class TagCounts(NamedTuple):
    """Counts over sentences: of first tags `[tags]`, of tag j after tag i `[tags, tags]`, of last tags `[tags]`."""

    start: Tensor
    transitions: Tensor
    end: Tensor


def count_tags(sequences: Iterable[Sequence[int]], n_tags: int) -> TagCounts:
    """Count first tags, tag bigrams and last tags.

    >>> count_tags([[0, 1], [0]], 2).transitions.tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    counts = TagCounts(torch.zeros(n_tags), torch.zeros(n_tags, n_tags), torch.zeros(n_tags))
    for tags in sequences:
        counts.start[tags[0]] += 1
        counts.end[tags[-1]] += 1
        row = torch.as_tensor(tags)
        counts.transitions.index_put_((row[:-1], row[1:]), torch.ones(len(row) - 1), accumulate=True)
    return counts
