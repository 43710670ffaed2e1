"""Split a text into words, find given words in it, and lay character spans over them."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from ner_lightning.tagging import EntitySpan

SplitRule = Literal["whitespace", "punctuation", "characters"]
SPLIT_RULES: tuple[SplitRule, ...] = ("whitespace", "punctuation", "characters")
Overlap = Literal["first", "longest", "error"]
OVERLAPS: tuple[Overlap, ...] = ("first", "longest", "error")

Offsets = tuple[tuple[int, int], ...]

# Han with its extensions, kana, Bopomofo; Thai, Lao, Tibetan, Burmese, Khmer.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def split_words(text: str, rule: SplitRule) -> Offsets:
    """Split text into words, given by their `[start, end)` in characters.

    Spaces, tabs and line ends are never words.
    `whitespace`: words are what they separate; U+00A0, U+3000 and other invisible characters are part of words.
    `punctuation`: words are runs of letters, digits and their marks; every punctuation mark or symbol is a word of its
    own, and so is every character of a script without spaces; an emoji with its skin tone, joined by U+200D, or a flag
    is one word; invisible whitespace of any kind is no word.
    `characters`: every other character is a word, visible or not.

    >>> [text[i:j] for text in ["In U+3000, Ann's."] for i, j in split_words(text, "punctuation")]
    ['In', 'U', '+', '3000', ',', 'Ann', "'", 's', '.']
    >>> split_words("Ann's here.", "whitespace")
    ((0, 5), (6, 11))
    """
    if rule == "characters":
        return tuple((i, i + 1) for i, character in enumerate(text) if character not in " \t\r\n")
    if rule == "whitespace":
        return tuple(match.span() for match in re.finditer(r"[^ \t\r\n]+", text))
    if rule != "punctuation":
        raise ValueError(f"expected words to be split by one of {', '.join(SPLIT_RULES)}; found {rule!r}")
    offsets: list[tuple[int, int]] = []
    before = "space"
    for i, character in enumerate(text):
        kind = _kind(character)
        # A mark (accent, vowel sign, variation selector, joiner) belongs to whatever is before it.
        if before != "space" and (
            kind == "mark"
            or (kind == before == "letter")
            or (i and kind == before and _is_joined(text, i, offsets[-1][0]))
        ):
            offsets[-1] = (offsets[-1][0], i + 1)
            continue
        if kind != "space":
            offsets.append((i, i + 1))
        before = "letter" if kind == "mark" else kind
    return tuple(offsets)


def _is_joined(text: str, index: int, start: int) -> bool:
    """Tell whether a symbol continues the one before it, whose word begins at `start`."""
    if text[index - 1] == "\u200d":
        return unicodedata.category(text[index]) == "So"
    return _is_flag(text[index]) and _is_flag(text[index - 1]) and index - start == 1


def _is_flag(character: str) -> bool:
    """Tell whether a character is a regional indicator, two of which are a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


@lru_cache(maxsize=1 << 14)
def _kind(character: str) -> Literal["space", "letter", "mark", "alone"]:
    category = unicodedata.category(character)
    if character.isspace():
        return "space"
    if category[0] == "M" or category == "Cf" or "\U0001f3fb" <= character <= "\U0001f3ff":  # skin tones of emoji
        return "mark"
    return "letter" if (character.isalnum() or character == "_") and not _UNSPACED.match(character) else "alone"


def split_rule(texts: Iterable[str]) -> SplitRule:
    """Choose the rule for texts of this script: `characters` if it has no spaces between words, else `punctuation`.

    >>> split_rule(["Ann lives in Oslo."]), split_rule(["安住在北京。"])
    ('punctuation', 'characters')
    """
    return "punctuation" if has_spaces(texts) else "characters"


def has_spaces(texts: Iterable[str]) -> bool:
    """Tell whether the texts' language puts spaces between words: under a third of the letters are otherwise.

    >>> has_spaces(["Ann lives in 北京"]), has_spaces(["安在IBM工作"])
    (True, False)
    """
    letters = unspaced = 0
    for text in texts:
        letters += sum(map(str.isalpha, text))
        unspaced += len(_UNSPACED.findall(text))
    return 3 * unspaced < letters or not letters


def locate_words(words: Sequence[str], text: str) -> Offsets | None:
    """Find words in the text they were split from; None if the text is another one.

    They must follow one another with only whitespace between.

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


def covered_words(start: int, end: int, offsets: Offsets) -> tuple[int, int, bool] | None:
    """Find the words that a character span touches, and whether it cuts none of them; None if it touches none.

    Args:
        start: first character.
        end: after the last character.
        offsets: `[start, end)` of each word, in order.

    >>> words = ((0, 5), (6, 9))
    >>> covered_words(0, 5, words), covered_words(2, 7, words), covered_words(5, 6, words)
    ((0, 1, True), (0, 2, False), None)
    """
    first = bisect_right(offsets, start, key=lambda word: word[1])
    last = bisect_left(offsets, end, key=lambda word: word[0])
    if first >= last:
        return None
    return first, last, start <= offsets[first][0] and offsets[last - 1][1] <= end


def without_overlaps(spans: Iterable[EntitySpan], rule: Overlap) -> tuple[tuple[EntitySpan, ...], list[EntitySpan]]:
    """Keep the spans that a flat tag sequence can represent, in order, and return those left out, too.

    `first`: the one that begins first, or the longer of two that begin together; of nested spans, the outermost.
    `longest`: the one with more words, or the first of two equals.

    Raises:
        ValueError: spans overlap and the rule is `error`, or there is no such rule.

    >>> without_overlaps([EntitySpan(1, 2, "LOC"), EntitySpan(0, 2, "ORG"), EntitySpan(1, 9, "PER")], "first")[0]
    (EntitySpan(start=0, end=2, label='ORG'),)
    >>> without_overlaps([EntitySpan(0, 2, "ORG"), EntitySpan(1, 9, "PER")], "longest")[0]
    (EntitySpan(start=1, end=9, label='PER'),)
    """
    if rule not in OVERLAPS:
        raise ValueError(f"expected overlap to be one of {', '.join(OVERLAPS)}; found {rule!r}")
    ordered = sorted(spans, key=lambda span: (span.start, -span.end))
    if all(a.end <= b.start for a, b in pairwise(ordered)):
        return tuple(ordered), []
    if rule == "longest":
        ordered.sort(key=lambda span: (span.start - span.end, span.start))
    kept: list[EntitySpan] = []
    left_out: list[EntitySpan] = []
    for span in ordered:
        clash = next((other for other in kept if span.start < other.end and other.start < span.end), None)
        if clash and rule == "error":
            raise ValueError(f"expected spans that do not overlap, found {clash} and {span}")
        (left_out if clash else kept).append(span)
    return tuple(sorted(kept)), left_out
