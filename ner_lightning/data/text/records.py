"""Read what a JSON record says of its words: which they are, where they are, and which nobody annotated."""

from __future__ import annotations

from typing import Any

from ner_lightning.data.doubts import half_character
from ner_lightning.data.text.alignment import Annotation
from ner_lightning.data.text.json_values import show_value
from ner_lightning.data.text.words import Offsets, locate_words
from ner_lightning.tagging import EntitySpan

Record = dict[str, Any]


def read_words(record: Record, given: Any, text: str | None) -> tuple[tuple[str, ...], Offsets | None]:
    """Return the words of a record, and their places in its text, if it has one."""
    items: list[Any] = [item.get("text") if isinstance(item, dict) else item for item in _listed(given, "words")]
    if not all(isinstance(word, str) for word in items):
        raise ValueError(f"expected a list of words, found {show_value(given)}")
    words: tuple[str, ...] = tuple(items)
    if text is None:
        return words, None
    if half := half_character(text):
        raise ValueError(f"expected whole characters in the text, found half of one ({half})")
    offsets = _given_offsets(record, given, words, text) or locate_words(words, text)
    if offsets is None:
        raise ValueError(f"expected the words to be those of the text, found {show_value(words)}")
    return words, offsets


def lay_over_words(annotations: list[Annotation], size: int) -> list[EntitySpan]:
    """Take annotations whose positions are words as spans; one that is there twice is taken once.

    Raises:
        ValueError: a span that is not inside the words.
    """
    for found in annotations:
        if not 0 <= found.start < found.end <= size:
            raise ValueError(
                f"expected a span inside the {size} words, found [{found.start}, {found.end}) {found.label}"
            )
    return list(dict.fromkeys(EntitySpan(found.start, found.end, found.label) for found in annotations))


def read_unknown_words(record: Record) -> tuple[int, ...]:
    """Return the numbers of the words of a record that nobody annotated."""
    found = _listed(record.get("unknown") or [], "unknown words")
    if not all(type(index) is int for index in found):
        raise ValueError(f"expected a list of the numbers of words under 'unknown', found {show_value(found)}")
    return tuple(found)


def _listed(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list of {what}, found {show_value(value)}")
    return value


def find_value(record: Record, keys: tuple[str, ...]) -> Any:
    """Return the value of the first of some keys that exists, a filled one before an empty one."""
    found = [record[key] for key in keys if record.get(key) is not None]
    return next((value for value in found if value not in ([], {})), found[0] if found else None)


def _given_offsets(record: Record, given: list[Any], words: tuple[str, ...], text: str) -> Offsets | None:
    """Return where the record says its words are, if it does."""
    pairs = _listed(record.get("offsets") or [], "offsets") or [
        [word.get("start"), word.get("end")] for word in given if isinstance(word, dict)
    ]
    if not pairs or pairs[0] == [None, None]:
        return None
    if not all(isinstance(pair, list) and [type(edge) for edge in pair] == [int, int] for pair in pairs):
        raise ValueError(f"expected the offsets of words as [start, end], found {show_value(pairs)}")
    offsets = tuple((start, end) for start, end in pairs)
    if [text[start:end] for start, end in offsets] != list(words):
        raise ValueError("expected the offsets to be those of the words, found others")
    return offsets
