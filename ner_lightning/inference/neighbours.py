"""Chunks of a stream of sentences, with the neighbours of each in its document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ner_lightning.data.sentence import Sentence


class Chunk(NamedTuple):
    """Sentences to be tagged, and those around them.

    Attributes:
        before: the sentences before them.
        own: the sentences.
        after: the sentences after them.
    """

    before: list[Sentence]
    own: list[Sentence]
    after: list[Sentence]

    @property
    def sentences(self) -> list[Sentence]:
        """All sentences in their order."""
        return [*self.before, *self.own, *self.after]

    @property
    def first(self) -> int:
        """The place of the first own sentence among all."""
        return len(self.before)


def cut_chunks(sentences: Iterable[Sentence], size: int, reach: int) -> Iterator[Chunk]:
    """Cut a stream into chunks, each with its neighbours from documents that cross its edges.

    Only the neighbours of one chunk are read ahead.

    Args:
        sentences: any number of them.
        size: sentences per chunk.
        reach: number of words of neighbours on each side; 0: no neighbours.

    >>> words = [Sentence((word,), document="a") for word in "abcde"]
    >>> [[s.words[0] for s in chunk.sentences] for chunk in cut_chunks(words, size=2, reach=1)]
    [['a', 'b', 'c'], ['b', 'c', 'd', 'e'], ['d', 'e']]
    """
    stream = iter(sentences)
    before: list[Sentence] = []
    ahead: list[Sentence] = []  # read, but not yet in a chunk
    while own := ahead[:size] + list(islice(stream, max(size - len(ahead), 0))):
        ahead = ahead[size:]
        document = own[-1].document
        while _lacks(ahead, document, reach) and (following := next(stream, None)) is not None:
            ahead.append(following)
        yield Chunk(before, own, _nearest(ahead, document, reach))
        document = ahead[0].document if ahead else ""
        before = _nearest([*before, *own][::-1], document, reach)[::-1]


def _lacks(ahead: list[Sentence], document: str, reach: int) -> bool:
    """Tell whether neighbours in a document may still be missing."""
    if not document or any(sentence.document != document for sentence in ahead):
        return False
    return sum(len(sentence.words) for sentence in ahead) < reach


def _nearest(sentences: list[Sentence], document: str, reach: int) -> list[Sentence]:
    """Take the first sentences while they belong to a document, until they have enough words."""
    found: list[Sentence] = []
    missing = reach
    for sentence in sentences:
        if missing <= 0 or not document or sentence.document != document:
            break
        found.append(sentence)
        missing -= len(sentence.words)
    return found
