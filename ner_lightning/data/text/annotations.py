"""Read entities in the forms in which JSON files write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ner_lightning.data.text.alignment import Annotation
from ner_lightning.data.text.json_values import show_value

Ends = Literal["auto", "exclusive", "inclusive"]

_STARTS = ("char_start", "start", "start_offset", "begin")
_ENDS = ("char_end", "end", "end_offset")
_LABELS = ("label", "type", "entity_type", "entity")


def read_annotations(
    value: Any, ends: Ends, character_keys: bool, label_names: Mapping[Any, str] | None = None
) -> Iterator[Annotation]:
    """Read a record's entities, in any of the known forms.

    These are lists `[start, end, label]`, mappings with start, end and label under their usual names (`char_start` and
    `char_end` first), and CLUENER's `{label: {surface: [[start, end], ...]}}`.

    Args:
        value: the value of the record's key.
        ends: whether `end` is the last position or the one after it; `auto`: `inclusive` for CLUENER's form only.
        character_keys: whether `char_start` and `char_end` may be taken.
        label_names: entity types by number, if the file has numbers.

    Raises:
        ValueError: another form, or an invalid position or label.

    >>> list(read_annotations([[0, 2, "LOC"]], "auto", True))
    [Annotation(start=0, end=2, label='LOC', surface=None, line=None)]
    >>> list(read_annotations({"address": {"北京": [[0, 1]]}}, "auto", True))
    [Annotation(start=0, end=2, label='address', surface='北京', line=None)]
    """
    inclusive = ends == "inclusive" or (ends == "auto" and isinstance(value, Mapping))
    for start, end, label, surface in _written(value, character_keys):
        if type(label) is int:
            label = label_of_number(label, label_names)
        # bool is an int for isinstance
        if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
            raise ValueError(
                "expected two whole numbers and an entity type, found "
                + ", ".join(map(show_value, (start, end, label)))
            )
        yield Annotation(start, end + inclusive, label, surface)


def _written(value: Any, character_keys: bool) -> Iterator[tuple[Any, Any, Any, str | None]]:
    if isinstance(value, Mapping):
        for label, mentions in value.items():
            for surface, places in mentions.items() if isinstance(mentions, Mapping) else [(None, mentions)]:
                for place in _list(places):
                    start, end = _list(place, 2)
                    yield start, end, label, surface
        return
    for item in _list(value):
        if isinstance(item, Mapping):
            skip = 0 if character_keys else 1
            surface = item.get("text")
            start, end = _first(item, _STARTS[skip:]), _first(item, _ENDS[skip:])
            yield start, end, _first(item, _LABELS), surface if isinstance(surface, str) else None
        else:
            start, end, label = _list(item, 3)
            yield start, end, label, None


def label_of_number(number: int, label_names: Mapping[Any, str] | None) -> str:
    """Return the name of an entity type, or of a tag, that a file gives as a number.

    Raises:
        ValueError: there is no name for it.

    >>> label_of_number(2, {2: "PER"})
    'PER'
    """
    names = label_names or {}
    found = names.get(number, names.get(str(number)))
    if found is None:
        raise ValueError(
            f"expected an entity type, found the number {number}; export labels as text, or name them: "
            f"label_names={{{number}: PER}}"
        )
    return found


def _first(item: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:
        if key in item:
            return item[key]
    raise ValueError(f"expected an entity with one of the keys {', '.join(keys)}; found {', '.join(map(str, item))}")


def _list(value: Any, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        expected = "a list" if length is None else f"a list of {length}"
        raise ValueError(f"expected {expected} in the entities, found {show_value(value)}")
    return value
