"""What differs between runs beside their settings: such runs compare less well than they look."""

from __future__ import annotations

from collections.abc import Sequence

from ner_lightning.comparison.run import Run

# What the arithmetic can depend on.
TELLING = ("ner-lightning", "torch", "transformers", "pytorch-lightning", "numpy")

SETUP = {
    "effective_batch": "sentences an optimiser step",
    "precision": "precision",
    "device": "device: times do not compare",
    "threads": "CPU threads: times do not compare",
}


def circumstances(runs: Sequence[Run]) -> list[str]:
    """A sentence for each thing that is not the same in all runs that tell it.

    >>> one, other = (Run(str(n), {}, {}, setup={"effective_batch": n}) for n in (16, 32))
    >>> circumstances([one, other])
    ['Not the same in all runs: sentences an optimiser step (16, 32).']
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
        if len(values := _values([run.data.get(split) for run in runs])) > 1:
            found.append(f"content of {split} ({len(values)} versions)")
    return [f"Not the same in all runs: {words}." for words in found]


def _values(values: Sequence[object]) -> list[str]:
    known = sorted({str(value) for value in values if value is not None})
    return known if len(known) <= 4 else [*known[:3], f"and {len(known) - 3} more"]
