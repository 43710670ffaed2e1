"""Refuse what is wrong in any format: labels and names that would cause silent trouble later."""

from __future__ import annotations

import re
import unicodedata

# A second tag after the first (`PER|B-AUTHOR`), as when nested annotation is written into one column.
_SECOND_TAG = re.compile(r"[|,;]\s*([BIESMLU][-_].+|O$)")
# Besides control characters and lone surrogates: other line ends, byte order marks and direction marks.
_UNSEEN = frozenset("\u2028\u2029\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_label(label: str) -> None:
    r"""Refuse an entity type that nobody can have meant.

    Raises:
        ValueError: blanks at its edges, control characters, or two tags in one.

    >>> check_label("B-movie / film")
    >>> check_label("PER ")
    Traceback (most recent call last):
    ValueError: expected an entity type, found 'PER ' with blanks at its edges
    """
    if label != label.strip() or not label:
        raise ValueError(f"expected an entity type, found {label!r} with blanks at its edges")
    if hidden := next((c for c in label if c in _UNSEEN or unicodedata.category(c) in ("Cc", "Cs")), None):
        raise ValueError(f"expected an entity type, found {label!r} with U+{ord(hidden):04X}, which nobody sees")
    if second := _SECOND_TAG.search(label):
        raise ValueError(
            f"expected one tag a word, found a second one, {second[0]!r}, in the entity type {label!r}; tags hold no "
            "nested entities, choose one layer"
        )


def half_character(text: str) -> str:
    r"""Find the first lone surrogate in a text, as `U+D800`; empty if all characters are whole.

    >>> half_character("a\ud800"), half_character("Zoë")
    ('U+D800', '')
    """
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"U+{ord(text[error.start]):04X}"
    return ""
