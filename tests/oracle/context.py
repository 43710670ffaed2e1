"""The context of a sentence, word by word, as one would write it down first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Word = list[int]  # its subwords


def row_of(
    sentences: Sequence[Sequence[Word]], documents: Sequence[str], index: int, size: int, room: int
) -> list[int]:
    """The subwords around and of one sentence that fits into a row, special tokens left out."""
    own = [piece for word in sentences[index] for piece in word]
    reach = min(size, (room - len(own)) // 2)
    before = _nearest(_words(sentences, documents, index, -1), reach)
    after = _nearest(_words(sentences, documents, index, 1), reach)
    return [
        *(piece for word in reversed(before) for piece in word),
        *own,
        *(piece for word in after for piece in word),
    ]


def _words(sentences: Sequence[Sequence[Word]], documents: Sequence[str], index: int, step: int) -> Iterable[Word]:
    """The words that follow a sentence in one direction and belong to its document."""
    place = index + step
    while documents[index] and 0 <= place < len(sentences) and documents[place] == documents[index]:
        yield from sentences[place][::step]
        place += step


def _nearest(words: Iterable[Word], reach: int) -> list[Word]:
    taken: list[Word] = []
    for word in words:
        if sum(map(len, taken)) + len(word) > reach:
            break
        taken.append(word)
    return taken
