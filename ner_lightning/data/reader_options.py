"""Refuse misspelt options, which must not become defaults."""

from __future__ import annotations

from collections.abc import Iterable


def check_option(name: str, value: object, choices: Iterable[object]) -> None:
    """Refuse a value that is not one of the choices.

    Raises:
        ValueError: it is not.

    >>> check_option("repair", "fix", ["conlleval", "discard"])
    Traceback (most recent call last):
    ValueError: expected repair to be one of conlleval, discard; found 'fix'
    """
    choices = tuple(choices)
    if value not in choices:
        raise ValueError(f"expected {name} to be one of {', '.join(map(str, choices))}; found {value!r}")
