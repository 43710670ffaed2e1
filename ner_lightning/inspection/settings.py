"""What is reported, how much of it is too much, and what fails a build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

from ner_lightning.config.ranges import Count, Share
from ner_lightning.errors import UserError

Reason = Literal[
    "leakage",
    "duplicates",
    "documents",
    "conflicts",
    "ambiguous",
    "unmarked",
    "illegal",
    "misaligned",
    "overlapping",
    "nested",
    "discontinuous",
    "rejected",
    "empty",
    "foreign",
    "alike",
    "rare",
    "unseen",
    "invisible",
    "unknown",
    "pieceless",
    "long",
]
"""The findings, by the names under which they have a limit and can fail a build."""

REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True)
class Limits:
    """The largest share of each finding that is not marked, from 0 (none of it) to 1 (any amount).

    What a share is a share of stands in docs/inspection.md.

    Raises:
        UserError: a limit that is no share.
    """

    leakage: Share = 0.0
    duplicates: Share = 0.05
    documents: Share = 0.0
    conflicts: Share = 0.0
    ambiguous: Share = 0.1
    unmarked: Share = 0.25
    illegal: Share = 0.0
    misaligned: Share = 0.0
    overlapping: Share = 0.0
    nested: Share = 0.0
    discontinuous: Share = 0.0
    rejected: Share = 1.0
    empty: Share = 0.0
    foreign: Share = 0.0
    alike: Share = 0.0
    rare: Share = 0.0
    unseen: Share = 1.0
    invisible: Share = 0.001
    unknown: Share = 0.01
    pieceless: Share = 0.0
    long: Share = 0.01

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= (value := getattr(self, field.name)) <= 1:
                raise UserError(
                    f"inspection.limits.{field.name}={value}: expected a share from 0 to 1, such as 0.05 for 5 %."
                )

    def of(self, name: Reason) -> float:
        """The limit of a finding."""
        return float(getattr(self, name))


@dataclass(frozen=True)
class InspectionSettings:
    """What an inspection notes and when it fails.

    Args:
        fail_on: findings beyond whose limit the command leaves with exit code 1.
        listed: places that are listed of each finding, at most.
        rare: mentions in the training data below which a type is rare.
        limits: the largest share of each finding that is not marked.

    Raises:
        UserError: a finding there is not, or a number below 1.
    """

    fail_on: Sequence[Reason] = ()
    listed: Count = 100
    rare: Count = 20
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        for name in self.fail_on:
            if name not in REASONS:
                raise UserError(f"fail_on={name}: there is no such finding; choose of {', '.join(REASONS)}.")
        for key in ("listed", "rare"):
            if getattr(self, key) < 1:
                raise UserError(f"inspection.{key}={getattr(self, key)}: expected a whole number from 1 on.")
