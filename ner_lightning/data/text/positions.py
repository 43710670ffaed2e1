"""Convert positions in a text as tools count them to those of Python.

Python and Label Studio (since 2021) count code points. JavaScript counts UTF-16 units, in which an emoji beyond U+FFFF
is two, and doccano stores what JavaScript counts, or grapheme clusters if a project says so. Some tools count bytes of
UTF-8. Browsers count CR LF as one character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Literal

Positions = Literal["characters", "utf16", "graphemes", "bytes"]
POSITIONS: tuple[Positions, ...] = ("characters", "utf16", "graphemes", "bytes")

_BEYOND = re.compile("[\U00010000-\U0010ffff]|\r\n")


class Ruler:
    """A converter of positions in one text to characters of it.

    Args:
        text: the text.
        positions: how they are counted.
        one_line_end: whether CR LF counts as one.

    >>> Ruler("👍 Oslo", "utf16").character(3), Ruler("👍 Oslo", "utf16").character(1)
    (2, None)
    """

    def __init__(self, text: str, positions: Positions, one_line_end: bool = False) -> None:
        sizes = _sizes(text, positions, one_line_end) if _counts_differ(text, positions, one_line_end) else None
        self._length = len(text)
        self._characters = None if sizes is None else _characters(sizes)

    def character(self, position: int) -> int | None:
        """Return the character at a position; None if none begins there, or the text has ended."""
        if self._characters is None:
            return position if 0 <= position <= self._length else None
        return self._characters.get(position)


def position_counter(text: str, positions: Positions) -> Callable[[int], int]:
    """Return a function from characters of a text to positions, the way back.

    >>> position_counter("👍 Oslo", "utf16")(2), position_counter("👍 Oslo", "characters")(2)
    (3, 2)
    """
    if not _counts_differ(text, positions, False):
        return lambda character: character
    counts = [0, *accumulate(_sizes(text, positions, False))]
    return counts.__getitem__


def may_differ(text: str) -> bool:
    """Tell whether UTF-16 units or line ends make positions in this text ambiguous.

    >>> may_differ("Köln"), may_differ("👍")
    (False, True)
    """
    return _BEYOND.search(text) is not None


def _counts_differ(text: str, positions: Positions, one_line_end: bool) -> bool:
    if positions == "graphemes" or (one_line_end and "\r\n" in text):
        return True
    return not text.isascii() and positions != "characters"


def _sizes(text: str, positions: Positions, one_line_end: bool) -> list[int]:
    """Return by how much each character advances a position; those inside a grapheme cluster not at all."""
    if positions == "graphemes":
        import regex  # type: ignore[import-untyped]

        sizes = [0] * len(text)
        for match in regex.finditer(r"\X", text):
            sizes[match.end() - 1] = 1
        return sizes
    if positions == "utf16":
        sizes = [1 + (character > "\uffff") for character in text]
    elif positions == "bytes":
        sizes = [len(character.encode()) for character in text]
    else:
        sizes = [1] * len(text)
    if one_line_end:
        for match in re.finditer("\r\n", text):
            sizes[match.start()] = 0
    return sizes


def _characters(sizes: Iterable[int]) -> dict[int, int]:
    """Map positions to characters; of several at one position the last, where something begins that counts."""
    found, position = {0: 0}, 0
    for index, size in enumerate(sizes, 1):
        position += size
        if size:
            found[position] = index
    return found
