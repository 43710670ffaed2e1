"""Find circumstances, besides settings, in which runs differ, so that comparing them is less fair than it looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.runs.run import FinishedRun
from ner_lightning.run.reading import TELLING

SETUP = {
    "effective_batch": "sentences per optimiser step",
    "precision": "precision",
    "device": "device: times do not compare",
    "threads": "CPU threads: times do not compare",
}

# Settings that decide which sentences a split has: runs with different ones are known to differ.
CHOICE = ("dir", "limit", "splits", "split_seed", "fold", "folds", "fraction", "sources", "label_map")

UNEVEN = 1.5
"""If times of equal runs differ by more than this factor, the machine was not idle."""


def circumstances(runs: Sequence[FinishedRun]) -> list[str]:
    """Write a sentence for each circumstance that is not the same in all runs that record it.

    >>> one, other = (FinishedRun(str(n), {}, {}, setup={"effective_batch": n}) for n in (16, 32))
    >>> circumstances([one, other])
    ['not the same in all runs: sentences per optimiser step (16, 32).']
    """
    found = []
    for key, words in SETUP.items():
        if len(values := _values([run.setup.get(key) for run in runs])) > 1:
            found.append(f"{words} ({', '.join(values)})")
    for name in TELLING:
        if len(values := _values([run.versions.get(name) for run in runs])) > 1:
            found.append(f"version of {name} ({', '.join(values)})")
    if len(values := _values([run.versions.get("source") for run in runs])) > 1:
        found.append(f"source ({', '.join(values)})")
    for split in sorted({split for run in runs for split in run.data}):
        if (versions := _versions(runs, split)) > 1:
            found.append(f"content of {split} ({versions} versions)")
    return [f"not the same in all runs: {words}." for words in found]


def find_uneven_times(configurations: Iterable[Configuration]) -> list[str]:
    """Write a sentence if runs of one configuration took very different times: the machine was shared.

    >>> runs = tuple(FinishedRun(str(s), {}, {}, cost={"seconds_per_epoch": s}) for s in (10.0, 11.0, 32.0))
    >>> find_uneven_times([Configuration("a", {}, runs)])
    ['seconds per epoch differ by a factor of up to 3.2 between runs of a: the machine was shared, times mean little.']
    """
    factors = {}
    for configuration in configurations:
        known = [seconds for run in configuration.runs if (seconds := run.cost.get("seconds_per_epoch"))]
        if known and (factor := max(known) / min(known)) > UNEVEN:
            factors[configuration.name] = factor
    if not factors:
        return []
    worst = max(factors, key=lambda name: factors[name])
    return [
        f"seconds per epoch differ by a factor of up to {factors[worst]:.1f} between runs of {worst}: the machine was "
        "shared, times mean little."
    ]


def _versions(runs: Sequence[FinishedRun], split: str) -> int:
    """Count the versions of a split's content among runs that asked for the same."""
    found: dict[str, set[str]] = {}
    for run in runs:
        asked = run.config.get("data") or {}
        found.setdefault(str([asked.get(key) for key in CHOICE]), set()).add(run.data.get(split, ""))
    return max(len(contents - {""}) for contents in found.values())


def _values(values: Sequence[object]) -> list[str]:
    known = sorted({str(value) for value in values if value is not None})
    return known if len(known) <= 4 else [*known[:3], f"and {len(known) - 3} more"]
