"""From text to words and back: splitting, finding words in their text, aligning character spans."""

from __future__ import annotations

from collections.abc import Sequence


def locate_words(words: Sequence[str], text: str) -> tuple[tuple[int, int], ...] | None:
    """Find words in the text they were split from; None if the text is another one.

    They must follow one another with nothing but whitespace between.

    >>> locate_words(["Paris", "!"], "Paris !"), locate_words(["Paris"], "Rome")
    (((0, 5), (6, 7)), None)
    """
    offsets, position = [], 0
    for word in words:
        start = text.find(word, position)
        if start < 0 or not (start == position or text[position:start].isspace()):
            return None
        position = start + len(word)
        offsets.append((start, position))
    return None if text[position:].strip() else tuple(offsets)
