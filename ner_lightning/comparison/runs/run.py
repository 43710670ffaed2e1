"""One run as a comparison uses it: settings, scores, costs, and its predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from ner_lightning.run import reading
from ner_lightning.run.folder import RunFolder
from ner_lightning.run.reading import UnusableRun, is_number


class NotARun(UnusableRun):
    """The folder is something else among runs, such as a comparison; not worth a line."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished run.

    Attributes:
        name: its name in lists: its folder, or its path in W&B.
        config: the resolved configuration, plain containers.
        scores: of the best weights: `test/f1`, `val/f1/PER`, …
        cost: its costs by name: those of `columns.COSTS`, and `seconds` of the whole run.
        setup: batch, precision and devices as really used.
        versions: of packages and source.
        data: fingerprint of the content of each split.
        written: when its result was written, seconds since the epoch.
        folder: its folder, if there is one.
        history: values by step, if there is no `metrics.csv`.
    """

    name: str
    config: Mapping[str, Any]
    scores: Mapping[str, float]
    cost: Mapping[str, float] = field(default_factory=dict)
    setup: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    written: float = 0.0
    folder: RunFolder | None = None
    history: tuple[Mapping[str, float], ...] = ()

    @property
    def experiment(self) -> str:
        """The name of its experiment."""
        return str(self.config.get("name", ""))

    @property
    def scheme(self) -> str | None:
        """The scheme of its tags, as far as the configuration says."""
        scheme = (self.config.get("data") or {}).get("scheme")
        return scheme if scheme in ("IOB2", "BIOES") else None

    def file(self, name: Callable[[RunFolder], Path]) -> Path | None:
        """Find a file of its folder, if it exists."""
        path = None if self.folder is None else name(self.folder)
        return path if path is not None and path.is_file() else None

    def predictions(self, split: str) -> Path | None:
        """Find the stored predictions of a split, if there are any."""
        return self.file(lambda folder: folder.predictions_of(split))

    def curve(self) -> list[dict[str, float]]:
        """Read every logged value by step, in order; the newest row of a step counts."""
        if self.folder is None:
            return [dict(row) for row in self.history]
        return reading.read_curve(self.folder)


def read_run(folder: Path) -> FinishedRun:
    """Read a run folder.

    Raises:
        UnusableRun: it is not complete, or a file in it is damaged.
    """
    stored = reading.read_run_folder(folder)
    record, result = stored.record, stored.result
    return FinishedRun(
        name=str(folder),
        config=stored.config,
        scores=result.scores,
        cost={name: n for name, n in {"seconds": result.seconds.get("total"), **result.cost}.items() if is_number(n)},
        setup=result.setup,
        versions={**record.packages, **({"source": record.source} if record.git else {})},
        data=result.data,
        written=stored.folder.result.stat().st_mtime,
        folder=stored.folder,
    )


def with_finite_scores(run: FinishedRun) -> FinishedRun:
    """Drop the scores and costs that are NaN or infinite."""
    scores = {key: value for key, value in run.scores.items() if isfinite(value)}
    return replace(run, scores=scores, cost={name: n for name, n in run.cost.items() if isfinite(n)})


WANDB = "wandb:"


class LeftOut(NamedTuple):
    """A run that is left out, and why."""

    name: str
    reason: str
