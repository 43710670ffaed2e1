"""The settings of an inspection: what is reported, how much of it is too much, and what fails a build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ner_lightning.config.ranges import Count, Share
from ner_lightning.errors import UserError
from ner_lightning.inspection.catalogue import NAMES
from ner_lightning.inspection.finding import FindingKind


@dataclass(frozen=True)
class InspectionSettings:
    """What an inspection reports and when it fails.

    Args:
        fail_on: findings for which the command exits with code 1 if they exceed their limits.
        listed: most places that are listed of each finding.
        rare: number of mentions in the training data below which a type is rare.
        limits: the largest share of each finding that is not marked, from 0 (none of it) to 1 (any amount); a finding
            not named here has its own. docs/inspection.md says what each share is a share of.

    Raises:
        UserError: an unknown finding, a number below 1, or a limit that is no share.
    """

    fail_on: Sequence[str] = ()
    listed: Count = 100
    rare: Count = 20
    limits: Mapping[str, Share] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, names in {"fail_on": self.fail_on, "inspection.limits": self.limits}.items():
            for name in names:
                if name not in NAMES:
                    raise UserError(f"{key}={name}: there is no such finding; choose of {', '.join(NAMES)}.")
        for key in ("listed", "rare"):
            if getattr(self, key) < 1:
                raise UserError(f"inspection.{key}={getattr(self, key)}: expected a whole number from 1 on.")
        for name, share in self.limits.items():
            if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1:
                raise UserError(
                    f"inspection.limits.{name}={share}: expected a share from 0 to 1, such as 0.05 for 5 %."
                )

    def limit_of(self, kind: FindingKind) -> float:
        """Return the limit of a finding."""
        return float(self.limits.get(kind.name, kind.limit))
