"""Words that go with numbers."""

from __future__ import annotations

from collections.abc import Sequence


def format_count(n: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun.

    Args:
        n: how many.
        one: the noun in the singular.
        many: the noun in the plural; None: the singular with an s.

    >>> format_count(1, "sentence"), format_count(1200, "sentence"), format_count(0, "entity", "entities")
    ('1 sentence', '1,200 sentences', '0 entities')
    """
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def list_first(texts: Sequence[str], most: int) -> str:
    """List the first of some texts, and count the rest.

    >>> list_first(["a", "b"], 2), list_first(["a", "b", "c", "d"], 2)
    ('a, b', 'a, b and 2 more')
    """
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more:,} more" if more > 0 else "")
