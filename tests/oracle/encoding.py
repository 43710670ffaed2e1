"""Sentences to ids word by word, as one would write it down first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ner_lightning.data.corpus.encoding import UNKNOWN_TAG, WordEncoder
from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.tagset import TagSet


def encoded(sentences: Sequence[Sentence], words: WordEncoder, tags: TagSet) -> dict[str, list[int]]:
    """The four arrays of an encoded corpus."""
    rows: dict[str, list[int]] = {"pieces": [], "piece_start": [0], "word_start": [0], "tags": []}
    for sentence in sentences:
        ids = tags.encode(sentence.spans, len(sentence.words))
        for index, word in enumerate(sentence.words):
            rows["pieces"] += words.pieces(word)
            rows["piece_start"].append(len(rows["pieces"]))
            rows["tags"].append(UNKNOWN_TAG if index in sentence.unknown else ids[index])
        rows["word_start"].append(len(rows["tags"]))
    return rows


def counted(sentences: Sequence[Sentence], tags: TagSet) -> tuple[list[int], list[list[int]], list[int]]:
    """First tags, tag bigrams and last tags of sentences annotated throughout."""
    start, end = [0] * len(tags), [0] * len(tags)
    bigrams = [[0] * len(tags) for _ in tags.tags]
    for sentence in sentences:
        if sentence.unknown:
            continue
        ids = tags.encode(sentence.spans, len(sentence.words))
        start[ids[0]] += 1
        end[ids[-1]] += 1
        for before, after in pairwise(ids):
            bigrams[before][after] += 1
    return start, bigrams, end
