"""Find where the sentences of a document begin."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Literal

SentenceRule = Literal["punctuation", "lines", "none"]
SENTENCE_RULES: tuple[SentenceRule, ...] = ("punctuation", "lines", "none")

_CLOSERS = "\"'”’»›)\\]}」』】）》〉］｝"
# A full stop ends a sentence before white space; an ideographic one needs none.
_END = re.compile(
    rf"[.!?…]+[{_CLOSERS}]*(?=\s)|[。！？｡]+…*[{_CLOSERS}]*|…{{2,}}[{_CLOSERS}]*|[؟۔।]+[{_CLOSERS}]*(?=\s)"
)
_LINE = re.compile(r"\r\n?|\n")
_WORD_BEFORE = re.compile(r"[^\W_][\w.]*$")
# Abbreviations that may be followed by a capital; "etc." and "Inc." may end a sentence, and are not among them.
_SHORTENED = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "rev",
        "hon",
        "st",
        "gen",
        "col",
        "lt",
        "sgt",
        "capt",
        "cpl",
        "maj",
        "adm",
        "gov",
        "sen",
        "rep",
        "pres",
        "messrs",
        "mme",
        "mlle",
        "vs",
        "cf",
        "e.g",
        "i.e",
        "al",
        "approx",
        "dept",
        "ca",
        "z.b",
        "u.a",
        "d.h",
        "bzw",
    ]
)
_BEFORE_NUMBERS = frozenset(
    [
        "no",
        "nos",
        "nr",
        "art",
        "fig",
        "figs",
        "eq",
        "vol",
        "p",
        "pp",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
    ]
)


def split_sentences(
    text: str, rule: SentenceRule = "punctuation", together: Iterable[tuple[int, int]] = ()
) -> tuple[tuple[int, int], ...]:
    """Split a document into sentences, `[start, end)` in characters; together they are the whole text.

    `punctuation`: after a full stop, question or exclamation mark and any closing quotes and brackets, if white space
    and then no small letter follows, or directly after the marks of Chinese and Japanese; not after an initial
    (`J. Doe`) or an abbreviation (`Dr. Lee`, `No. 5`); and at the end of a line. `lines`: only at the end of a line.
    `none`: nowhere. White space belongs to the sentence before it.

    Args:
        text: the document.
        rule: as above.
        together: stretches that are never split, such as entities.

    >>> text = "Dr. Lee left. “Gone?” He is! 他走了。她在。"
    >>> [text[start:end] for start, end in split_sentences(text)]
    ['Dr. Lee left. ', '“Gone?” ', 'He is! ', '他走了。', '她在。']
    >>> split_sentences("Yahoo! Inc. is here.", together=[(0, 11)])
    ((0, 20),)
    """
    cuts = set() if rule == "none" else {_after_space(text, match.end()) for match in _LINE.finditer(text)}
    if rule == "punctuation":
        cuts.update(_ends(text))
    blocked = _merged(together)
    starts = [start for start, _ in blocked]
    kept = [0]
    for cut in sorted(cuts):
        before = bisect_right(starts, cut) - 1
        inside = before >= 0 and blocked[before][0] < cut < blocked[before][1]
        # White space at the beginning of a text belongs to the first sentence.
        if kept[-1] < cut < len(text) and not inside and not text[kept[-1] : cut].isspace():
            kept.append(cut)
    return tuple(pairwise([*kept, len(text)])) if text else ()


def _ends(text: str) -> Iterator[int]:
    """Yield where a sentence begins after a mark that ends one."""
    for match in _END.finditer(text):
        following = _after_space(text, match.end())
        ideographic = match[0][0] in "。！？｡…" and following == match.end()
        after = text[following : following + 1]
        stop = match[0].rstrip(_CLOSERS) == "."
        if not ideographic and (after.islower() or (stop and _is_shortened(text, match.start(), after))):
            continue
        if ideographic and after and after in "，、；：,;:":
            continue
        yield following


def _is_shortened(text: str, stop: int, after: str) -> bool:
    """Tell whether the full stop at `stop` belongs to the word before it; `after` is what follows."""
    match = _WORD_BEFORE.search(text, max(0, stop - 20), stop)
    if match is None:
        return False
    word = match[0].lower()
    if word in _BEFORE_NUMBERS and after.isdigit():
        return True
    return (
        word in _SHORTENED
        or (len(word) == 1 and match[0].isupper())
        or re.fullmatch(r"([^\W\d]\.)+[^\W\d]", word) is not None
    )


def _after_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
