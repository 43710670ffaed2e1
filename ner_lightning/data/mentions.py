"""Mentions read off the tag ids of an encoded corpus, all at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ner_lightning.data.corpus.encoding import EncodedCorpus
from ner_lightning.tagging.tagset import PREFIX_CODES, TagSet


class Mentions(NamedTuple):
    """Mentions in the order of the corpus.

    Attributes:
        first: position of the first word of each.
        last: position of the word after its last.
        label: index of its type.
        start: `[sentences + 1]`, mentions before each sentence.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    label: NDArray[np.int64]
    start: NDArray[np.int64]


def complete_mentions(corpus: EncodedCorpus, tags: TagSet) -> Mentions:
    """The mentions whose words are all annotated.

    One that has, or may have, a word that nobody annotated is left out: `B-LOC ?` in IOB2, whose end is not known.
    """
    ids = np.asarray(corpus.tags, np.int64)
    known = ids >= 0
    code = np.where(known, np.array(tags.prefix_codes)[ids], -1)
    # A position behind the last word, so that a mention there ends like any other.
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
