"""What differs between runs beside their settings: such runs compare less well than they look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.runs.run import FinishedRun

# What the arithmetic can depend on.
TELLING = ("ner-lightning", "torch", "transformers", "pytorch-lightning", "numpy")

SETUP = {
    "effective_batch": "sentences an optimiser step",
    "precision": "precision",
    "device": "device: times do not compare",
    "threads": "CPU threads: times do not compare",
}

# What decides which sentences a split has: runs that ask for others are known to differ.
CHOICE = ("dir", "limit", "splits", "split_seed", "fold", "folds", "fraction", "sources", "label_map")

UNEVEN = 1.5
"""Times of runs that do the same and differ more are not those of an idle machine."""


def circumstances(runs: Sequence[FinishedRun]) -> list[str]:
    """A sentence for each thing that is not the same in all runs that tell it.

    >>> one, other = (FinishedRun(str(n), {}, {}, setup={"effective_batch": n}) for n in (16, 32))
    >>> circumstances([one, other])
    ['not the same in all runs: sentences an optimiser step (16, 32).']
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


def uneven_times(configurations: Iterable[Configuration]) -> list[str]:
    """A sentence where runs of one configuration took very different times: they shared the machine with something.

    >>> runs = tuple(FinishedRun(str(s), {}, {}, cost={"seconds_per_epoch": s}) for s in (10.0, 11.0, 32.0))
    >>> uneven_times([Configuration("a", {}, runs)])
    ['seconds an epoch differ up to 3.2 times between runs of a: the machine was not theirs alone, times mean little.']
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
        f"seconds an epoch differ up to {factors[worst]:.1f} times between runs of {worst}: the machine was not theirs "
        "alone, times mean little."
    ]


def _versions(runs: Sequence[FinishedRun], split: str) -> int:
    """How many contents a split has where the same was asked for."""
    found: dict[str, set[str]] = {}
    for run in runs:
        asked = run.config.get("data") or {}
        found.setdefault(str([asked.get(key) for key in CHOICE]), set()).add(run.data.get(split, ""))
    return max(len(contents - {""}) for contents in found.values())


def _values(values: Sequence[object]) -> list[str]:
    known = sorted({str(value) for value in values if value is not None})
    return known if len(known) <= 4 else [*known[:3], f"and {len(known) - 3} more"]
