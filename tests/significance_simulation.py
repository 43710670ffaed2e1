"""How often each test is wrong where the truth is known; writes the table of docs/statistics.md.

python -m tests.significance_simulation [repetitions]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from ner_lightning.statistics.counts import run_f1
from ner_lightning.statistics.paired import Difference, Units, approximate_randomisation, paired_bootstrap
from ner_lightning.statistics.pairs import Asked, JudgedSystems, Pair, compare_all
from ner_lightning.statistics.resampling import resampled_f1
from ner_lightning.statistics.several_sets import MeanOfSets
from tests.oracle.simulated_runs import World

SAMPLES = 999
SHIFT = 0.3  # on the logit: about 3.5 points of F1
Counts = NDArray[np.int64]
Documents = Sequence[int] | None


class Test(Protocol):
    """Whether a test at 5 % calls two systems different."""

    def __call__(self, a: Counts, b: Counts, seed: int, documents: Documents) -> bool: ...


WORLDS = {
    "1 run, seeds do nothing": World(runs=1),
    "5 runs, seeds do nothing": World(runs=5),
    "5 runs, sentences matter most": World(runs=5, by_sentence=1.0, by_seed=0.05),
    "5 runs, seeds matter little": World(runs=5, by_seed=0.1),
    "5 runs, seeds matter as much as sentences": World(runs=5, by_seed=0.25),
    "5 runs, seeds matter most": World(runs=5, by_seed=0.5),
    "5 runs, seeds shared half": World(runs=5, by_seed=0.25, shared_seed=0.5),
    "3 runs, seeds matter as much as sentences": World(runs=3, by_seed=0.2),
    "2 runs, seeds matter as much as sentences": World(runs=2, by_seed=0.16),
    "5 runs, the systems are one": World(runs=5, by_sentence=0.0, by_seed=0.25),
    "5 runs, documents of 5 sentences": World(runs=5, by_seed=0.1, per_document=5),
}


def bootstrap(a: Counts, b: Counts, seed: int, documents: Documents, *, paired: bool = True) -> bool:
    """The project's own."""
    return paired_bootstrap(a, b, samples=SAMPLES, seed=seed, groups=documents, paired_seeds=paired).p <= 0.05


def randomisation(
    a: Counts, b: Counts, seed: int, documents: Documents, *, units: Units = "both", paired: bool = True
) -> bool:
    """The project's own."""
    p = approximate_randomisation(a, b, samples=SAMPLES, seed=seed, groups=documents, units=units, paired_seeds=paired)
    return p <= 0.05


def documents_ignored(a: Counts, b: Counts, seed: int, documents: Documents) -> bool:
    """The project's own bootstrap where sentences are taken for independent."""
    return bootstrap(a, b, seed, None)


def one_run_each(a: Counts, b: Counts, seed: int, documents: Documents) -> bool:
    """What most papers do: the first run of each, sentences randomised."""
    return randomisation(a[:1], b[:1], seed, documents)


def sentences_alone(a: Counts, b: Counts, seed: int, documents: Documents) -> bool:
    """The usual paired bootstrap: mean over runs, sentences drawn, seeds taken as fixed."""
    scores = resampled_f1(np.concatenate([a, b]), SAMPLES, np.random.default_rng(seed))
    return _outside(scores[:, : len(a)].mean(1) - scores[:, len(a) :].mean(1))


def runs_drawn_too(a: Counts, b: Counts, seed: int, documents: Documents) -> bool:
    """Runs and sentences drawn with replacement (pigeonhole, multi-bootstrap), percentiles."""
    rng = np.random.default_rng(seed)
    scores = resampled_f1(np.concatenate([a, b]), SAMPLES, rng)
    means = []
    for part in (scores[:, : len(a)], scores[:, len(a) :]):
        means.append(np.take_along_axis(part, rng.integers(part.shape[1], size=part.shape), axis=1).mean(1))
    return _outside(means[0] - means[1])


def cells_swapped(a: Counts, b: Counts, seed: int, documents: Documents) -> bool:
    """Randomisation that takes runs x sentences for as many independent sentences."""
    return randomisation(a.reshape(1, -1, 3), b.reshape(1, -1, 3), seed, None)


def t_over_seeds(a: Counts, b: Counts, seed: int, documents: Documents) -> bool:
    """Student's t over seeds: knows nothing of sentences."""
    return len(a) > 1 and bool(ttest_ind(run_f1(a), run_f1(b)).pvalue <= 0.05)


def _outside(differences: NDArray[np.float64]) -> bool:
    low, high = np.quantile(differences, [0.025, 0.975])
    return bool(low > 0 or high < 0)


TESTS: dict[str, Test] = {
    "bootstrap": bootstrap,
    "bootstrap, unpaired": partial(bootstrap, paired=False),
    "randomisation": randomisation,
    "randomisation, unpaired": partial(randomisation, paired=False),
    "whole runs": partial(randomisation, units="runs", paired=False),
    "sentences": partial(randomisation, units="sentences"),
    "documents ignored": documents_ignored,
    "one run each": one_run_each,
    "sentences drawn alone": sentences_alone,
    "runs drawn too": runs_drawn_too,
    "runs × sentences": cells_swapped,
    "t over seeds": t_over_seeds,
}


def false_positives(
    world: World, repetitions: int, tests: Mapping[str, Test] = TESTS, seed: int = 0
) -> dict[str, float]:
    """Share of comparisons of two equally good systems that each test calls different at 5 %."""
    rng = np.random.default_rng(seed)
    wrong = dict.fromkeys(tests, 0)
    for repetition in range(repetitions):
        a, b = world.draw(rng)
        for name, test in tests.items():
            wrong[name] += test(a, b, repetition, world.documents)
    return {name: count / repetitions for name, count in wrong.items()}


def coverage(world: World, repetitions: int, seed: int = 1) -> tuple[float, float]:
    """Share of 95 % intervals that hold the true difference of two unequal systems, and of differences shown."""
    world = replace(world, shift=SHIFT)
    truth, rng = world.true_difference(), np.random.default_rng(seed)
    held = shown = 0
    for repetition in range(repetitions):
        found = paired_bootstrap(*world.draw(rng), samples=SAMPLES, seed=repetition, groups=world.documents)
        held += found.low <= truth <= found.high
        shown += found.p <= 0.05
    return held / repetitions, shown / repetitions


def _turned(difference: Difference) -> Difference:
    """The same comparison as b minus a."""
    return replace(difference, difference=-difference.difference, low=-difference.high, high=-difference.low)


def coverage_of_mean(world: World, repetitions: int, sets: int = 3, seed: int = 2) -> tuple[float, float]:
    """Of means over test sets: share of 95 % intervals that hold the truth, and of equal systems called different."""
    unequal = replace(world, shift=SHIFT)
    truth, rng = unequal.true_difference(), np.random.default_rng(seed)
    held = wrong = 0
    for repetition in range(repetitions):
        found, null = (_mean_of_sets(each, sets, repetition, rng) for each in (unequal, world))
        apart = found.difference if found.a == "a" else _turned(found.difference)
        held += apart.low <= truth <= apart.high
        wrong += null.shown
    return held / repetitions, wrong / repetitions


def _mean_of_sets(world: World, sets: int, seed: int, rng: np.random.Generator) -> Pair:
    judged = []
    for place in range(sets):
        a, b = world.draw(rng)
        judged.append(JudgedSystems({"a": a, "b": b}, samples=SAMPLES, seed=(seed, place), groups=world.documents))
    ((pair,),) = compare_all([Asked(MeanOfSets(judged))])
    return pair


def main() -> None:
    """Write the table, a row a world."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    columns = ["coverage", "power", *TESTS, "coverage, mean of 3", "mean of 3"]
    sys.stdout.write(f"| {' | '.join(['', *columns])} |\n|{'---|' * (len(columns) + 1)}\n")
    for name, world in WORLDS.items():
        shares = [*coverage(world, repetitions), *false_positives(world, repetitions).values()]
        shares += coverage_of_mean(world, repetitions)
        sys.stdout.write(f"| {name} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
