"""Count how often tags follow one another in a corpus."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ner_lightning.data.corpus.encoding import UNKNOWN_TAG, EncodedCorpus

_CHUNK = 100_000  # sentences


class TagCounts(NamedTuple):
    """Counts over sentences: of first tags `[tags]`, of tag j after tag i `[tags, tags]`, of last tags `[tags]`."""

    start: Tensor
    transitions: Tensor
    end: Tensor


def count_tags(corpus: EncodedCorpus, n_tags: int) -> TagCounts:
    """Count first tags, tag bigrams and last tags of the fully annotated sentences.

    Args:
        corpus: its tags are below `n_tags`.
        n_tags: size of the counts.

    >>> nothing = np.zeros(0)
    >>> count_tags(EncodedCorpus(nothing, nothing, np.array([0, 2, 3]), np.array([0, 1, 0])), 2).transitions.tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    counts = np.zeros((n_tags + 1, n_tags + 1), np.int64)  # the last row and column stand for a boundary
    for first in range(0, len(corpus), _CHUNK):
        starts = corpus.word_start[first : first + _CHUNK + 1]
        tags = corpus.tags[starts[0] : starts[-1]].astype(np.int64)
        begins, last = starts[:-1] - starts[0], starts[1:] - starts[0] - 1
        known = np.logical_and.reduceat(tags != UNKNOWN_TAG, begins)
        before = np.concatenate(([n_tags], tags[:-1]))
        before[begins] = n_tags
        whole = np.repeat(known, np.diff(starts))
        pairs = [before[whole] * (n_tags + 1) + tags[whole], tags[last[known]] * (n_tags + 1) + n_tags]
        counts += np.bincount(np.concatenate(pairs), minlength=counts.size).reshape(counts.shape)
    table = torch.from_numpy(counts).float()
    return TagCounts(table[-1, :-1], table[:-1, :-1], table[:-1, -1])
