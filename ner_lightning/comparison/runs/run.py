"""One run as a comparison sees it: settings, scores, costs, and where its predictions are."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from ner_lightning.config.yaml_files import read_yaml
from ner_lightning.errors import UserError, first_line
from ner_lightning.run.folder import CONFIG, CURVE, RECORD, RESULT

NODES = ("paths", "data", "model", "optim", "trainer", "callbacks", "sweep")
"""What of a configuration has keys, where it is there."""


class UnusableRun(Exception):
    """A run that cannot be compared; the message is the reason."""


class NotARun(UnusableRun):
    """Something else that stands among runs, such as a comparison; not worth a line."""


class RunCost(NamedTuple):
    """What a run took; None where its record does not say.

    Attributes:
        seconds_per_epoch: of training, validation left out, wall clock, median over epochs.
        seconds: of the whole run.
        memory: peak of the process, bytes.
        gpu_memory: peak of the device, bytes.
        trained: parameters that are trained.
        parameters: of the model.
        decoder_share: share of the time of a training step in the CRF (or the softmax's loss).
    """

    seconds_per_epoch: float | None = None
    seconds: float | None = None
    memory: int | None = None
    gpu_memory: int | None = None
    trained: int | None = None
    parameters: int | None = None
    decoder_share: float | None = None

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> RunCost:
        """Read what `result.json` says under `cost` and `seconds`."""
        said, seconds = result.get("cost") or {}, result.get("seconds") or {}
        known = {name: said.get(name) for name in cls._fields if name in said}
        found = {"seconds": seconds.get("total"), **known}
        return cls(**{name: value for name, value in found.items() if _is_number(value)})


@dataclass(frozen=True)
class FinishedRun:
    """A finished run.

    Attributes:
        name: what it is listed as: its folder, or its path in W&B.
        config: the resolved configuration, plain containers.
        scores: of the best weights: `test/f1`, `val/f1/PER`, …
        cost: what it took.
        setup: batch, precision, devices as they really were.
        versions: of packages and source.
        data: fingerprint of the content of each split.
        written: when its result was written, seconds since the epoch.
        folder: its folder, if there is one with predictions.
        history: values by step, where they stand in no `metrics.csv`.
    """

    name: str
    config: Mapping[str, Any]
    scores: Mapping[str, float]
    cost: RunCost = field(default_factory=RunCost)
    setup: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    written: float = 0.0
    folder: Path | None = None
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

    def file(self, name: str) -> Path | None:
        """A file of its folder, if it is there."""
        path = self.folder / name if self.folder is not None else None
        return path if path is not None and path.is_file() else None

    def predictions(self, split: str) -> Path | None:
        """The stored predictions of a split, if there are any."""
        return self.file(f"predictions/{split}.jsonl")

    def curve(self) -> list[dict[str, float]]:
        """Every logged value by step, in order; the newest row of a step counts."""
        path = self.file(CURVE)
        if path is None:
            return [dict(row) for row in self.history]
        rows: list[dict[str, float]] = []
        # What a power cut has left may have bytes of anything at its end.
        with suppress(csv.Error), path.open(encoding="utf-8", errors="replace", newline="") as file:
            for line in csv.DictReader(file):
                rows.append({key: number for key, text in line.items() if (number := _number(text)) is not None})
        return rows


def read_run(folder: Path, name: str | None = None) -> FinishedRun:
    """Read a run folder.

    Args:
        folder: the run's.
        name: what to call it; None: the folder.

    Raises:
        UnusableRun: it is not complete, or a file in it is damaged.
    """
    try:
        return _read(folder, name)
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError, OSError) as error:
        raise UnusableRun(f"{RESULT}, {RECORD} or {CONFIG} is damaged ({first_line(error)})") from error


def _read(folder: Path, name: str | None) -> FinishedRun:
    result = _json(folder / RESULT, "it was not finished")
    config = _yaml(folder / CONFIG)
    data = result.get("data")
    record = _json(folder / RECORD, "its record is gone") if (folder / RECORD).is_file() else {}
    best = result.get("best")
    if not isinstance(best, dict):
        raise UnusableRun(f"{RESULT} holds no scores of a training: give the folder of a training run")
    return FinishedRun(
        name=name or str(folder),
        config=config,
        scores={key: float(value) for key, value in best.items() if _is_number(value)},
        cost=RunCost.from_result(result),
        setup=dict(result.get("setup") or {}),
        versions={**(record.get("packages") or {}), **_source(record.get("git"))},
        data=data if isinstance(data, dict) else {},
        written=(folder / RESULT).stat().st_mtime,
        folder=folder,
    )


def with_finite_scores(run: FinishedRun) -> FinishedRun:
    """The same run without scores and costs that are no numbers."""
    scores = {key: value for key, value in run.scores.items() if isfinite(value)}
    known = {name: value for name, value in run.cost._asdict().items() if value is not None and isfinite(value)}
    return replace(run, scores=scores, cost=RunCost(**known))


def _source(git: Mapping[str, Any] | None) -> dict[str, str]:
    return {"source": f"{git.get('commit', '')[:7]}{' and changes' if git.get('dirty') else ''}"} if git else {}


def _json(path: Path, absent: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnusableRun(f"{absent}: no {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableRun(f"{path.name} is damaged ({first_line(error)})") from error
    if not isinstance(value, dict):
        raise UnusableRun(f"{path.name} is damaged (expected an object, found {type(value).__name__})")
    return value


def _yaml(path: Path) -> dict[str, Any]:
    try:
        config = read_yaml(path)
    except FileNotFoundError:
        raise UnusableRun(f"no {path.name}: give the folder of a training run") from None
    except (OSError, ValueError, yaml.YAMLError, UserError) as error:
        raise UnusableRun(f"{path.name} is damaged ({first_line(error)})") from error
    if not isinstance(config, dict):
        raise UnusableRun(f"{path.name} is damaged (expected keys and values)")
    for key in NODES:
        if not isinstance(config.get(key) or {}, dict):
            raise UnusableRun(f"{path.name} is damaged ({key}: expected keys and values)")
    return config


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except (TypeError, ValueError):
        return None


WANDB = "wandb:"


class LeftOut(NamedTuple):
    """A run that takes no part, and why."""

    name: str
    reason: str
