"""The currency of the project: an entity over words."""

from __future__ import annotations

from typing import NamedTuple


class EntitySpan(NamedTuple):
    """Words `start` to `end - 1` of a sentence are one entity of type `label`.

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
