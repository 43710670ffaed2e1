"""Tell whether punctuation marks are words of their own, in training data and in text to be tagged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MARKS = ",;:!?"
_LAST = f"{_MARKS}."  # a full stop inside a sentence may belong to an abbreviation
_CLOSING = "\"'”’»)]"
_RARELY = 9  # this many marks must stand alone for each one that does not


def marks_are_words(sentences: Iterable[Sequence[str]]) -> bool:
    """Tell whether marks stand alone in sentences of words, with few exceptions.

    >>> marks_are_words([["Ann", ",", "Bob", "left", "."]]), marks_are_words([["Ann,", "Bob", "left."]])
    (True, False)
    """
    alone, glued = _counted(sentences)
    return alone > 0 and alone >= _RARELY * glued


def marks_are_glued(texts: Iterable[str]) -> bool:
    """Tell whether texts are as people write them, with marks directly after words.

    >>> marks_are_glued(["Ann left Oslo."]), marks_are_glued(["Mr. Lee left Oslo ."]), marks_are_glued(["Ann left"])
    (True, False, False)
    """
    alone, glued = _counted(text.split() for text in texts)
    return glued > 0 and alone < _RARELY * glued


def _counted(sentences: Iterable[Sequence[str]]) -> tuple[int, int]:
    """Count marks that are words, and marks at the end of a word."""
    alone = glued = 0
    for words in sentences:
        for number, word in enumerate(words, 1):
            marks = _LAST if number == len(words) else _MARKS
            if len(word) == 1:
                alone += word in _LAST
            else:
                bare = word.rstrip(_CLOSING)
                glued += bool(bare) and bare[-1] in marks and any(map(str.isalnum, bare))
    return alone, glued
