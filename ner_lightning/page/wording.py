"""Words that go with numbers."""

from __future__ import annotations


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
