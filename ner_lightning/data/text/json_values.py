"""Parse JSON strictly: what the parser would accept silently, or fail on with a trace, is reported in one sentence."""

from __future__ import annotations

import json
import reprlib
from typing import Any

_SHOWN = 60  # characters of a value in a message
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _SHOWN
_REPR.maxlevel = 3


class JsonError(ValueError):
    """The JSON is something that no record should hold, though a parser may accept it."""


def parse_json(text: str) -> Any:
    """Parse a JSON text.

    Raises:
        json.JSONDecodeError: it is no JSON.
        JsonError: it has a key twice, a number that is too long, or brackets nested too deeply.

    >>> parse_json('{"a": [1, 2]}')
    {'a': [1, 2]}
    >>> parse_json('{"label": [], "label": [[0, 3, "PER"]]}')
    Traceback (most recent call last):
    ner_lightning.data.text.json_values.JsonError: expected each key once in an object, found 'label' twice
    """
    try:
        return DECODER.decode(text)
    except RecursionError:
        raise nesting_error() from None


def nesting_error() -> JsonError:
    """Make the error for brackets nested too deeply for the parser."""
    return JsonError("expected a JSON object for each record, found brackets nested too deeply")


def show_value(value: Any) -> str:
    """Shorten a value for a message, however large or deep it is.

    >>> show_value({"start": "3"}), show_value(["x"] * 1000)
    ("{'start': '3'}", "['x', 'x', 'x', 'x', 'x', 'x', ...]")
    """
    return _REPR.repr(value)[:_SHOWN]


def identifier_text(value: Any) -> str:
    """Convert the identifier of a record to text; text and numbers stay as they are."""
    return str(value) if isinstance(value, str | int | float) else show_value(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonError(f"expected each key once in an object, found {twice!r} twice")
    return found


def _whole_number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise JsonError(f"expected numbers that can be counted, found one of {len(digits)} digits") from None


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole_number)
"""Decodes whole texts, and values at the beginning of a text."""
