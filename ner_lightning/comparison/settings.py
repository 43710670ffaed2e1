"""The settings of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from ner_lightning.errors import UserError

SPLITS = {"test": "test", "dev": "val"}
"""Prefix of the scores of a split."""

FOLD = "data.fold"
"""The setting whose values each have their own test sentences; other repetitions share the same ones."""
REPETITION = ("seed", FOLD)
MANY = 12
"""Most configurations for which `pairs=auto` lists each pair; with more, only those with the best one."""
FEWEST_DRAWS = 5
"""Draws that must lie beyond an interval for its limits to be meaningful."""


@dataclass(frozen=True)
class Settings:
    """How runs are compared; the keys of `conf/compare.yaml`.

    Attributes:
        split: the split whose predictions and scores are compared.
        columns: further columns of the table, such as `lenient_f1`, `recall` or `f1/PER`; `types`: F1 of every type.
        repetition: settings that repeat a configuration instead of making another.
        pairs: which pairs are listed; `auto`: all for up to `MANY` configurations, else those with the best. All are
            corrected for, since any configuration could have been the best.
        baseline: the configuration that the others are compared with, chosen before any score was seen: only these
            pairs are corrected for.
        paired_seeds: whether runs are compared seed by seed; None: if that leaves enough degrees of freedom.
        diff: two configurations whose sentences are shown side by side; empty: the best and the next.
        samples: draws of the tests.
        level: of the intervals; 1 minus it is the chance of a false difference.
        seed: of the draws.
        listed: most sentences that are listed of each kind.

    Raises:
        UserError: a value cannot be used.
    """

    split: Literal["test", "dev"] = "test"
    columns: tuple[str, ...] = ()
    repetition: tuple[str, ...] = REPETITION
    pairs: Literal["auto", "all", "best"] = "auto"
    baseline: str | None = None
    paired_seeds: bool | None = None
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
        if self.samples * (1 - self.level) < FEWEST_DRAWS - 1e-9:
            least = ceil(FEWEST_DRAWS / (1 - self.level) - 1e-6)
            raise UserError(f"samples={self.samples}: expected at least {least:,} for level={self.level}.")
        if self.paired_seeds not in (None, True, False):
            raise UserError(f"paired_seeds={self.paired_seeds}: expected true, false or null.")
        if self.baseline is not None and self.pairs != "auto":
            raise UserError(f"pairs={self.pairs}: a baseline says which pairs there are; leave one of the two out.")
        if len(self.diff) not in (0, 2):
            raise UserError(f"diff: expected two configurations, [BEFORE,AFTER], received {len(self.diff)}.")

    @property
    def prefix(self) -> str:
        """The prefix of the scores: `test/` or `val/`."""
        return f"{SPLITS[self.split]}/"
