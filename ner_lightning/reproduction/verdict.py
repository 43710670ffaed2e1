"""Compare two runs of one configuration: whether their results agree, and what else differs if not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ner_lightning.reproduction.again import read_finished
from ner_lightning.run.reading import TELLING, StoredRun

NO_SOURCE = "no checkout"


@dataclass(frozen=True)
class Verdict:
    """The result of running a run again.

    Attributes:
        same: whether every score is the same number, and every stored prediction the same line.
        scores: name of each score that differs, before and now.
        predictions: for each split, how many lines differ, out of how many.
        circumstances: other differences, one line each.
    """

    same: bool
    scores: dict[str, tuple[float | None, float | None]]
    predictions: dict[str, tuple[int, int]]
    circumstances: tuple[str, ...]

    def lines(self) -> list[str]:
        """Put the verdict into words."""
        if self.same:
            return ["The same: every score and every stored prediction.", *self.circumstances]
        told = ["Not the same."]
        told += [f"  {name}: {_number(old)} before, {_number(new)} now" for name, (old, new) in self.scores.items()]
        told += [
            f"  {split}: {differ} of {total} sentences are tagged otherwise, or with another probability"
            for split, (differ, total) in self.predictions.items()
            if differ
        ]
        if not self.circumstances:
            told.append("  Nothing that is recorded differs: look at the hardware and the number of threads.")
        return [*told, *(f"  {line}" for line in self.circumstances)]


def compare_results(before: Path, now: Path) -> Verdict:
    """Compare two run folders.

    Raises:
        UserError: one of them holds no finished training.
    """
    old, new = read_finished(before), read_finished(now)
    scores = _differing(old.result.scores, new.result.scores)
    predictions = {
        path.stem: _lines_that_differ(path, new.folder.predictions / path.name)
        for path in sorted(old.folder.predictions.glob("*.jsonl"))
    }
    same = not scores and not any(differ for differ, _ in predictions.values())
    return Verdict(same, scores, predictions, tuple(_circumstances(old, new)))


def _circumstances(old: StoredRun, new: StoredRun) -> list[str]:
    one, other = old.record, new.record
    told = []
    for key in ("python", "platform"):
        if getattr(one, key) != getattr(other, key):
            told.append(f"{key}: {getattr(one, key)} before, {getattr(other, key)} now")
    changed = _differing(one.packages, other.packages)
    told += [f"{name}: {changed[name][0]} before, {changed[name][1]} now" for name in TELLING if name in changed]
    if others := len(changed.keys() - set(TELLING)):
        told.append(f"and {others} other packages in another version")
    if one.git != other.git:
        told.append(f"source: {one.source or NO_SOURCE} before, {other.source or NO_SOURCE} now")
    for key, (was, is_now) in _differing(old.result.setup, new.result.setup).items():
        told.append(f"{key}: {was} before, {is_now} now")
    for key, (was, is_now) in _differing(old.result.data, new.result.data).items():
        told.append(f"data of {key}: {was} before, {is_now} now")
    if old.result.resumed_from:
        told.append("the stored run had been interrupted and resumed")
    return told


def _lines_that_differ(before: Path, now: Path) -> tuple[int, int]:
    if not now.is_file():
        total = sum(1 for _ in before.open(encoding="utf-8"))
        return total, total
    with before.open(encoding="utf-8") as one, now.open(encoding="utf-8") as other:
        pairs = [a == b for a, b in zip_longest(one, other)]
    return pairs.count(False), len(pairs)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [*one, *(key for key in other if key not in one)]
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
