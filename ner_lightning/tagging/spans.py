"""The entity over words that every other module works with."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple


class EntitySpan(NamedTuple):
    """An entity of type `label`, made of the words `start` to `end - 1` of a sentence.

    Attributes:
        start: index of its first word.
        end: index after its last word (half-open).
        label: entity type, such as `PER`.

    >>> EntitySpan(0, 2, "PER")
    EntitySpan(start=0, end=2, label='PER')
    """

    start: int
    end: int
    label: str


def touches(span: EntitySpan, words: Container[int]) -> bool:
    """Tell whether an entity contains one of some words, or directly adjoins one.

    >>> touches(EntitySpan(1, 3, "PER"), {3}), touches(EntitySpan(1, 3, "PER"), {4})
    (True, False)
    """
    return any(word in words for word in range(span.start - 1, span.end + 1))


class ScoredSpan(NamedTuple):
    """An entity the model found.

    Attributes:
        span: where it is, and its type.
        probability: posterior probability that exactly this entity stands there.

    >>> ScoredSpan(EntitySpan(0, 2, "PER"), 0.75).probability
    0.75
    """

    span: EntitySpan
    probability: float
