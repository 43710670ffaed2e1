"""Draw substitutes: things with the same label that look different."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ner_lightning.data.corpus.encoding import EncodedCorpus
from ner_lightning.tagging.tagset import PREFIX_CODES, TagSet

Numbers = NDArray[np.int64]


def row_numbers(values: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> Numbers:
    """Give a number to each of several rows, the same for equal rows.

    Args:
        values: contains the rows.
        starts: where each row begins.
        counts: how long each row is, at least 1.

    >>> row_numbers(np.array([5, 6, 5, 6, 6]), starts=np.array([0, 2, 4]), counts=np.array([2, 2, 1])).tolist()
    [1, 1, 0]
    """
    numbers, used = np.empty(len(starts), np.int64), 0
    for size in np.unique(counts):
        chosen = np.flatnonzero(counts == size)
        table = values[starts[chosen, None] + np.arange(size)]
        found, inverse = np.unique(table, axis=0, return_inverse=True)
        numbers[chosen] = used + inverse.reshape(-1)
        used += len(found)
    return numbers


class SameLabel:
    """For each thing, those with the same label that look different.

    All occurrences count, so frequent things are drawn often.

    Args:
        labels: of each thing; below 0: it is neither replaced nor a substitute.
        looks: a number for the appearance of each thing.
    """

    def __init__(self, labels: np.ndarray, looks: np.ndarray) -> None:
        order = np.lexsort((looks, labels))
        self._order = order[np.searchsorted(labels[order], 0) :]
        labels, looks = labels[self._order], looks[self._order]
        self._slot = np.full(len(order), -1, np.int64)
        self._slot[self._order] = np.arange(len(self._order))
        differs = labels[1:] != labels[:-1]
        self._group = _runs(differs)
        self._alike = _runs(differs | (looks[1:] != looks[:-1]))

    def another(self, things: Numbers, uniform: NDArray[np.float64]) -> Numbers:
        """Choose for each thing one with the same label that looks different; -1 if there is none.

        Args:
            things: their numbers.
            uniform: numbers in [0, 1) that decide which one.

        >>> SameLabel(np.array([0, 0, 0, 1]), np.array([4, 5, 4, 6])).another(np.array([0, 1, 3]), np.zeros(3)).tolist()
        [1, 0, -1]
        """
        drawn = np.full(len(things), -1, np.int64)
        slot = self._slot[things]
        group, group_end = (bound[slot] for bound in self._group)
        alike, alike_end = (bound[slot] for bound in self._alike)
        others = (group_end - group) - (alike_end - alike)
        possible = (slot >= 0) & (others > 0)
        place = group + (uniform * others).astype(np.int64)
        place += np.where(place >= alike, alike_end - alike, 0)
        drawn[possible] = self._order[place[possible]]
        return drawn


def _runs(differs: np.ndarray) -> tuple[Numbers, Numbers]:
    """Return the bounds of the run of each element; `differs` says which elements after the first begin a run."""
    starts = np.concatenate(([0], np.flatnonzero(differs) + 1))
    ends = np.append(starts[1:], len(differs) + 1)
    sizes = ends - starts
    return np.repeat(starts, sizes), np.repeat(ends, sizes)


class Mentions(NamedTuple):
    """Mentions in the order of the corpus.

    Attributes:
        first: position of the first word of each mention.
        last: position of the word after its last.
        label: index of its type.
        start: `[sentences + 1]`, number of mentions before each sentence.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    label: NDArray[np.int64]
    start: NDArray[np.int64]


def complete_mentions(corpus: EncodedCorpus, tags: TagSet) -> Mentions:
    """Find the mentions whose words are all annotated.

    A mention that has, or may have, an unannotated word is left out: `B-LOC ?` in IOB2, whose end is unknown.
    """
    ids = np.asarray(corpus.tags, np.int64)
    known = ids >= 0
    code = np.where(known, np.array(tags.prefix_codes)[ids], -1)
    # A position after the last word, so that a mention there ends like any other.
    goes_on = np.append(np.isin(code, (PREFIX_CODES["I"], PREFIX_CODES["E"])), False)
    first = np.flatnonzero(np.isin(code, (PREFIX_CODES["B"], PREFIX_CODES["S"])))
    stops = np.flatnonzero(~goes_on)
    last = stops[np.searchsorted(stops, first, side="right")]
    ended = np.isin(code[last - 1], (PREFIX_CODES["E"], PREFIX_CODES["S"]))
    begins = np.zeros(len(ids) + 1, bool)
    begins[corpus.word_start] = True
    whole = ended | begins[last] | np.append(known, True)[last]
    first, last = first[whole], last[whole]
    label = np.array(tags.type_codes)[ids[first]]
    return Mentions(first, last, label, np.searchsorted(first, corpus.word_start))
