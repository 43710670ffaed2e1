"""What may be asked of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ner_lightning.errors import UserError

SPLITS = {"test": "test", "dev": "val"}
"""Prefix of the scores of a split."""

REPETITION = ("seed", "data.fold")
MANY = 12
"""Configurations from which on `pairs=auto` compares each with the best one only: 66 pairs correct each other away."""


@dataclass(frozen=True)
class Settings:
    """How runs are compared; the keys of `conf/compare.yaml`.

    Attributes:
        split: whose predictions and scores are compared.
        columns: further columns of the table, such as `lenient_f1`, `recall` or `f1/PER`; `types`: F1 of every type.
        repetition: settings that repeat a configuration instead of making another one.
        pairs: which configurations are tested against each other; `auto`: all of them below `MANY`.
        diff: two configurations whose sentences are shown against each other; none: the best and the next.
        samples: draws of the tests.
        level: of the intervals, and 1 minus the chance of a difference that is none.
        seed: of the draws.
        listed: sentences that are listed of each kind, at most.

    Raises:
        UserError: a value that cannot be used.
    """

    split: Literal["test", "dev"] = "test"
    columns: tuple[str, ...] = ()
    repetition: tuple[str, ...] = REPETITION
    pairs: Literal["auto", "all", "best"] = "auto"
    diff: tuple[str, ...] = ()
    samples: int = 10_000
    level: float = 0.95
    seed: int = 0
    listed: int = 30

    def __post_init__(self) -> None:
        if self.pairs not in ("auto", "all", "best"):
            raise UserError(f"pairs={self.pairs}: expected one of auto, all, best.")
        for name, least in (("samples", 100), ("listed", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{name}={getattr(self, name)}: expected at least {least}.")
        if not 0.5 <= self.level < 1:
            raise UserError(f"level={self.level}: expected a share from 0.5 to below 1, such as 0.95.")
        if len(self.diff) not in (0, 2):
            raise UserError(f"diff: expected two configurations, [BEFORE,AFTER], received {len(self.diff)}.")

    @property
    def prefix(self) -> str:
        """Of the scores: `test/` or `val/`."""
        return f"{SPLITS[self.split]}/"
