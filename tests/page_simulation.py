"""How often a whole page of a comparison is wrong where the truth is known; makes the tables of docs/statistics.md.

python -m tests.page_simulation wrong|sets|wild|held|power|added PAGES [--systems 2 3 …] [--only …] [--into FILE]
python -m tests.page_simulation table --into FILE

A cell is a kind of world and a number of systems. Cells that `--into` has of as many pages are not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from ner_lightning.statistics import resampling
from ner_lightning.statistics.pairs import Asked, Contest, JudgedSystems, Pair, compare_all
from ner_lightning.statistics.several_sets import MeanOfSets
from tests.oracle.one_set import mean_f1_interval
from tests.oracle.simulated_runs import World

SAMPLES = 999
SYSTEMS = (2, 3, 6, 14, 30, 100)
RUNS = (2, 3, 5)
EFFECTS = {"none": 0.0, "small": 0.1, "large": 0.5}
DOCUMENTS = {"sentences": 1, "documents": 5}
MANY = 12  # systems, above which a page lists the pairs of the best only
SHIFT = 0.4  # on the logit: about 4.5 points of F1
SETS = 3
WILD = 16
DRAWS = 25  # of the sentences, each of so many samples
FEW_MEANS = 6  # systems of a page whose own intervals are looked at; those of a page are much alike

Counts = dict[str, float]


class Share(NamedTuple):
    """A share that was counted, and how far chance may have moved it."""

    value: float
    error: float

    @classmethod
    def of(cls, count: float, n: int) -> Share:
        """A count of so many; its standard error is that of one more on either side where it is none or all."""
        share = (count + 1) / (n + 2)
        return cls(count / n, sqrt(share * (1 - share) / n))

    @classmethod
    def mean(cls, shares: Sequence[Share]) -> Share:
        """Of independent ones."""
        errors = np.square([share.error for share in shares])
        return cls(float(np.mean([share.value for share in shares])), sqrt(float(errors.sum())) / len(shares))

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f}"


def worlds() -> Iterator[tuple[str, World]]:
    """Every combination of seeds, what they do, and documents."""
    for runs in RUNS:
        for effect, by_seed in EFFECTS.items():
            for kind, size in DOCUMENTS.items():
                yield f"{runs} seeds, {effect}, {kind}", World(runs=runs, by_seed=by_seed, per_document=size)


@contextmanager
def draws_kept() -> Iterator[None]:
    """Draw sentences a few times only and use these draws again: half of the time of a page goes into them."""
    drawn = resampling._draws

    @lru_cache(maxsize=3 * DRAWS)
    def kept(samples: int, units: int, place: int) -> list[Any]:
        return [*drawn(samples, units, np.random.default_rng(place))]

    def again(samples: int, units: int, rng: np.random.Generator) -> list[Any]:
        return kept(samples, units, int(rng.integers(DRAWS)))

    with patch.object(resampling, "_draws", again):
        yield


class Quick(JudgedSystems):
    """Without the second opinion, which decides nothing."""

    def randomised(self, one: int, other: int) -> None:
        """None is asked."""


def judge(
    world: World, systems: int, seed: int, rng: np.random.Generator, shifts: Sequence[float] = ()
) -> JudgedSystems:
    """A test set with runs of some systems on it."""
    counts = world.draw_many(systems, rng, shifts)
    named = {str(place): each for place, each in enumerate(counts)}
    return Quick(named, samples=SAMPLES, seed=seed, groups=world.documents)


def page(judged: JudgedSystems) -> list[Pair]:
    """What a page of one test set says."""
    return compare_all([Asked(judged, every=len(judged.names) <= MANY)])[0]


def wrong(world: World, systems: int, pages: int, seed: int = 0) -> Counts:
    """Count pages over equal systems that call any two of them different."""
    rng = np.random.default_rng([seed, systems])
    found = (page(judge(world, systems, n, rng)) for n in range(pages))
    return {"pages": pages, "wrong": sum(any(pair.shown for pair in pairs) for pairs in found)}


def wrong_of_wild(world: World, systems: int, pages: int, seed: int = 3) -> Counts:
    """Count pages that call a system different to whose runs a seed does sixteen times as much as to the others'."""
    world, rng = replace(world, by_seed=world.by_seed / WILD, wild=WILD), np.random.default_rng([seed, systems])
    found = (page(judge(world, systems, n, rng)) for n in range(pages))
    shown = [any(pair.shown for pair in pairs if "0" in (pair.a, pair.b)) for pairs in found]
    return {"pages": pages, "wrong": sum(shown)}


def wrong_over_sets(world: World, systems: int, pages: int, seed: int = 0) -> Counts:
    """Count the same of pages with several test sets and the mean over them."""
    rng, count = np.random.default_rng([seed, systems]), 0
    for n in range(pages):
        judged = [judge(world, systems, SETS * n + place, rng) for place in range(SETS)]
        contests: list[Contest] = [*judged, MeanOfSets(judged)]
        found = compare_all([Asked(contest, every=systems <= MANY) for contest in contests])
        count += any(pair.shown for pairs in found for pair in pairs)
    return {"pages": pages, "wrong": count}


def held(world: World, systems: int, pages: int, seed: int = 1) -> Counts:
    """Count pages all of whose intervals hold the true difference, and intervals of a mean F1 that hold it.

    Every other system is better than the rest by the same difference.
    """
    shifts = [SHIFT * (place % 2) for place in range(systems)]
    better = replace(world, shift=SHIFT)
    truth, mean = better.true_difference(), world.true_mean()
    rng, all_held, means = np.random.default_rng([seed, systems]), 0, 0.0
    for n in range(pages):
        judged = judge(world, systems, n, rng, shifts)
        all_held += all(
            each.difference.low <= truth * (int(each.a) % 2 - int(each.b) % 2) <= each.difference.high
            for each in page(judged)
        )
        own = [mean_f1_interval(judged.counts[at], samples=SAMPLES, seed=n) for at in range(0, systems, 2)[:FEW_MEANS]]
        means += float(np.mean([low <= mean <= high for low, high in own]))
    return {"pages": pages, "held": all_held, "means": means}


def power(world: World, systems: int, pages: int, seed: int = 2) -> Counts:
    """Count how often the difference that is said to be shown four times in five is shown where it is the truth.

    One system is better by half of it than the rest, another worse, so that F1 stays where it was seen.
    """
    said, spread = _said(world, systems, pages, seed)
    shift = SHIFT
    for _ in range(8):  # F1 is nearly straight here, and a few steps set it right
        shift *= said / _apart(world, shift)
    rng = np.random.default_rng([seed, systems, 1])
    found = [_between(judge(world, systems, n, rng, [shift / 2, -shift / 2])) for n in range(pages)]
    shown = sum(pair.shown and pair.a == "0" for pair in found)
    return {"pages": pages, "shown": shown, "said": said, "spread": spread}


def power_added(world: World, systems: int, pages: int, seed: int = 2) -> Counts:
    """Count the same where the difference is added to F1 of one system, whose runs spread as before.

    Far apart, systems differ in what a seed does to them as well: F1 is a curved function of the logit.
    """
    said, spread = _said(world, systems, pages, seed)
    rng, shown = np.random.default_rng([seed, systems, 2]), 0
    for n in range(pages):
        judged = judge(world, systems, n, rng)
        judged.means[0] += said
        pair = _between(judged)
        shown += pair.shown and pair.a == "0"
    return {"pages": pages, "shown": shown, "said": said, "spread": spread}


def _said(world: World, systems: int, pages: int, seed: int) -> tuple[float, float]:
    """The difference that is said to be shown, of pages over equal systems: mean and standard deviation."""
    rng = np.random.default_rng([seed, systems])
    told = [_between(judge(world, systems, n, rng)).detectable or 0.0 for n in range(pages)]
    return float(np.mean(told)), float(np.std(told))


def _apart(world: World, shift: float) -> float:
    """True difference between a system that is better and one that is worse by half of a shift."""
    return sum(abs(replace(world, shift=half).true_difference()) for half in (shift / 2, -shift / 2))


def _between(judged: JudgedSystems) -> Pair:
    """The pair of the first two systems."""
    (pairs,) = compare_all([Asked(judged)])
    return next(pair for pair in pairs if {pair.a, pair.b} == {"0", "1"})


MADE: dict[str, Callable[[World, int, int], Counts]] = {
    "wrong": wrong,
    "sets": wrong_over_sets,
    "wild": wrong_of_wild,
    "held": held,
    "power": power,
    "added": power_added,
}
SHOWN = {
    "wrong": "wrong",
    "sets": "wrong",
    "wild": "wrong",
    "held": "held",
    "means": "means",
    "power": "shown",
    "added": "shown",
}
"""What is counted of each table; that of means is made with `held`."""


def make(what: str, pages: int, systems: Sequence[int], only: str, into: Path | None) -> None:
    """Make the cells of a table, each written down as soon as it is there."""
    for name, world in worlds():
        if only not in name or (what in ("power", "added") and world.runs == 2):
            continue
        for number in systems:
            figures = _read(into)
            cell = f"{what}: {name}: {number}"
            if figures.get(cell, {}).get("pages") == pages:
                continue
            with draws_kept():
                figures[cell] = MADE[what](world, number, pages)
            sys.stdout.write(f"{cell}: {figures[cell]}\n")
            sys.stdout.flush()
            if into is not None:
                into.write_text(json.dumps(_read(into) | {cell: figures[cell]}, indent=1), encoding="utf-8")


def _read(path: Path | None) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path is not None and path.is_file() else {}


def write_tables(figures: dict[str, Counts]) -> None:
    """Write all tables in Markdown: a row a world, a column a number of systems."""
    for table, counted in SHOWN.items():
        made = "held" if table == "means" else table
        numbers = sorted({int(cell.split(": ")[2]) for cell in figures if cell.startswith(f"{made}: ")})
        if not numbers:
            continue
        columns: dict[int, list[Share]] = {number: [] for number in numbers}
        sys.stdout.write(f"\n{table}\n\n| seeds, their effect, unit drawn | {' | '.join(map(str, numbers))} |\n")
        sys.stdout.write(f"|{'---|' * (len(numbers) + 1)}\n")
        for name, _ in worlds():
            cells = []
            for number in numbers:
                found = figures.get(f"{made}: {name}: {number}")
                if found is not None:
                    columns[number].append(_share(found, counted))
                said = f" at {100 * found['said']:.1f}" if found is not None and "said" in found else ""
                cells.append("–" if found is None else f"{columns[number][-1]}{said}")
            if set(cells) - {"–"}:
                sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
        means = [str(Share.mean(shares)) for shares in columns.values()]
        sys.stdout.write(f"| mean of the rows | {' | '.join(means)} |\n")


def _share(found: Counts, counted: str) -> Share:
    """A share that was counted; of power, the difference that is said to be shown is uncertain as well."""
    share = Share.of(found[counted], int(found["pages"]))
    if "said" not in found:
        return share
    steep = 0.28 * 4  # points of power for a percent of the difference: the normal's density, four standard errors
    of_said = steep * found["spread"] / found["said"] / sqrt(found["pages"])
    return Share(share.value, sqrt(share.error**2 + of_said**2))


def main() -> None:
    """Make cells, or write what was made as tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*MADE, "table"])
    parser.add_argument("pages", type=int, nargs="?", default=200)
    parser.add_argument("--systems", type=int, nargs="+", default=SYSTEMS)
    parser.add_argument("--only", default="", help="worlds whose name has these words")
    parser.add_argument("--into", type=Path)
    args = parser.parse_args()
    if args.what == "table":
        write_tables(_read(args.into))
    else:
        make(args.what, args.pages, args.systems, args.only, args.into)


if __name__ == "__main__":
    main()
