"""How often a whole page of a comparison is wrong where the truth is known; writes the tables of docs/statistics.md.

python -m tests.page_simulation wrong|held|power|sets [repetitions] [systems …]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import sqrt
from typing import NamedTuple

import numpy as np

from ner_lightning.statistics.paired import mean_f1_interval
from ner_lightning.statistics.pairs import Asked, Contest, JudgedSystems, Pair, compare_all
from ner_lightning.statistics.several_sets import MeanOfSets
from tests.oracle.simulated_runs import World

SAMPLES = 999
SYSTEMS = (2, 3, 6, 14, 30, 100)
RUNS = (2, 3, 5)
EFFECTS = {"none": 0.0, "small": 0.1, "large": 0.5}
DOCUMENTS = {"sentences": 1, "documents": 5}
MANY = 12  # systems, above which a page lists the pairs of the best only
SHIFT = 0.4  # on the logit: about 4.5 points of F1


class Share(NamedTuple):
    """A share that was counted, and how far chance may have moved it."""

    value: float
    error: float

    @classmethod
    def of(cls, count: int, n: int) -> Share:
        """A count of so many; its standard error is that of one more on either side where it is none or all."""
        share = (count + 1) / (n + 2)
        return cls(count / n, sqrt(share * (1 - share) / n))

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f}"


def worlds() -> Iterator[tuple[str, World]]:
    """Every combination of seeds, what they do, and documents."""
    for runs in RUNS:
        for effect, by_seed in EFFECTS.items():
            for kind, size in DOCUMENTS.items():
                yield f"{runs} seeds, {effect}, {kind}", World(runs=runs, by_seed=by_seed, per_document=size)


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


def wrong(world: World, systems: int, repetitions: int, seed: int = 0) -> Share:
    """Share of pages over equal systems that call any two of them different."""
    rng = np.random.default_rng(seed)
    found = (page(judge(world, systems, n, rng)) for n in range(repetitions))
    return Share.of(sum(any(pair.shown for pair in pairs) for pairs in found), repetitions)


def wrong_over_sets(world: World, systems: int, repetitions: int, sets: int = 3, seed: int = 0) -> Share:
    """The same of pages with several test sets and the mean over them."""
    rng, count = np.random.default_rng(seed), 0
    for n in range(repetitions):
        judged = [judge(world, systems, 10 * n + place, rng) for place in range(sets)]
        contests: list[Contest] = [*judged, MeanOfSets(judged)]
        found = compare_all([Asked(contest, every=systems <= MANY) for contest in contests])
        count += any(pair.shown for pairs in found for pair in pairs)
    return Share.of(count, repetitions)


def held(world: World, systems: int, repetitions: int, seed: int = 1) -> tuple[Share, Share]:
    """Share of pages all of whose intervals hold the true difference, and of intervals of a mean F1 that hold it.

    Every other system is better than the rest by the same difference.
    """
    shifts = [SHIFT * (place % 2) for place in range(systems)]
    better = replace(world, shift=SHIFT)
    truth, mean = better.true_difference(400), world.true_mean(400)
    rng, pages, means = np.random.default_rng(seed), 0, 0
    for n in range(repetitions):
        judged = judge(world, systems, n, rng, shifts)
        pages += all(
            each.difference.low <= truth * (int(each.a) % 2 - int(each.b) % 2) <= each.difference.high
            for each in page(judged)
        )
        low, high = mean_f1_interval(judged.counts[0], samples=SAMPLES, seed=n)
        means += low <= mean <= high
    return Share.of(pages, repetitions), Share.of(means, repetitions)


def power(world: World, systems: int, repetitions: int, seed: int = 2) -> tuple[float, Share]:
    """The difference that is said to be shown four times in five, and how often it is shown where it is the truth."""
    rng = np.random.default_rng(seed)
    said = float(np.mean([_between(judge(world, systems, n, rng)).detectable or 0.0 for n in range(60)]))
    # The shift whose true difference that is; F1 is nearly straight here, and a second step sets it right.
    shift = SHIFT
    for _ in range(3):
        shift *= said / replace(world, shift=shift).true_difference(400)
    rng = np.random.default_rng(seed + 1)
    found = [_between(judge(world, systems, n, rng, [shift])) for n in range(repetitions)]
    return said, Share.of(sum(pair.shown and pair.a == "0" for pair in found), repetitions)


def _between(judged: JudgedSystems) -> Pair:
    """The pair of the first two systems."""
    (pairs,) = compare_all([Asked(judged)])
    return next(pair for pair in pairs if {pair.a, pair.b} == {"0", "1"})


def main() -> None:
    """Write a table, a row a world, a column a number of systems."""
    what, repetitions = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 400
    numbers = [int(word) for word in sys.argv[3:]] or [*SYSTEMS]
    for name, world in worlds():
        if what in ("held", "power", "sets") and world.documents is not None:
            continue  # dear, and documents are but larger units
        cells = []
        for systems in numbers:
            if what == "wrong":
                cells.append(str(wrong(world, systems, repetitions)))
            elif what == "sets":
                cells.append(str(wrong_over_sets(world, systems, repetitions)))
            elif what == "held":
                cells.append(" / ".join(map(str, held(world, systems, repetitions))))
            elif world.runs > 2:
                said, share = power(world, systems, repetitions)
                cells.append(f"{share} at {100 * said:.1f}")
        if cells:
            sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
