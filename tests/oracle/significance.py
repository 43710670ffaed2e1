"""The tests of `ner_lightning.statistics.paired` by plain loops over plain lists, with variances from the jackknife."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import combinations, product
from math import sqrt
from statistics import fmean, variance

Row = Sequence[int]  # correct, predicted, gold
System = Sequence[Sequence[Row]]  # runs of sentences


def f1(rows: Sequence[Row]) -> float:
    correct, predicted, gold = (sum(row[i] for row in rows) for i in range(3))
    return 2 * correct / (predicted + gold) if predicted + gold else 0.0


def mean_f1(system: System) -> float:
    return fmean(f1(run) for run in system)


def pooled_f1(system: System) -> float:
    return f1([row for run in system for row in run])


def jackknife(statistic: Callable[[list[int]], float], n: int) -> float:
    """Variance of a statistic of n sentences, each left out in turn."""
    values = [statistic([i for i in range(n) if i != left]) for left in range(n)]
    mean = fmean(values)
    return (n - 1) / n * sum((value - mean) ** 2 for value in values)


def subset(run: Sequence[Row], keep: list[int]) -> float:
    return f1([run[i] for i in keep])


def sides_of(a: System, b: System, paired: bool) -> list[list[Callable[[list[int]], float]]]:
    """What spreads over runs: the differences of pairs, or F1 of either side."""
    if paired:
        return [[lambda keep, x=x, y=y: subset(x, keep) - subset(y, keep) for x, y in zip(a, b, strict=True)]]
    return [[lambda keep, x=x: subset(x, keep) for x in system] for system in (a, b)]


def components(a: System, b: System, paired: bool) -> tuple[float, float, float]:
    """Variance by sentences, by seeds beyond that, degrees of freedom."""
    n = len(a[0])

    def mean(keep: list[int]) -> float:
        return fmean(subset(run, keep) for run in a) - fmean(subset(run, keep) for run in b)

    sentences = jackknife(mean, n)
    sides = sides_of(a, b, paired)
    seen, both, squares = 0.0, 0.0, sentences**2 / (n - 1)
    for runs in sides:
        r = len(runs)
        if r < 2:
            continue
        spread, common = over_runs(runs, n)
        seen += spread
        both += common
        squares += spread**2 / (r - 1)
    total = max(sentences - both, 0.0) + max(seen - both, 0.0) + both
    return sentences, total - sentences, total**2 / squares


def over_runs(runs: Sequence[Callable[[list[int]], float]], n: int) -> tuple[float, float]:
    """Variance of the mean over runs, and the part of it that the spread over sentences holds too."""
    r = len(runs)
    spread = variance([run(list(range(n))) for run in runs]) / r
    single = fmean(jackknife(run, n) for run in runs)
    together = jackknife(lambda keep: fmean(run(keep) for run in runs), n)
    return spread, max((single - together) / (r - 1), 0.0)


def by_seeds(a: System, b: System, paired: bool) -> tuple[float, float, float]:
    """Variance over runs as it is seen, the part of it that sentences hold, its degrees of freedom."""
    if len(a) < 2:
        return 0.0, 0.0, 1.0
    found = [over_runs(runs, len(a[0])) for runs in sides_of(a, b, paired)]
    seen, both = (sum(values) for values in zip(*found, strict=True))
    return seen, both, seen**2 / sum(spread**2 / (len(a) - 1) for spread, _ in found)


def bootstrap(a: System, b: System, samples: int, seed: int, paired: bool = True) -> tuple[float, float, float]:
    """Lower and upper 95 % limit and the p value."""
    rng, n = random.Random(seed), len(a[0])
    observed = mean_f1(a) - mean_f1(b)
    sentences, _, _ = components(a, b, paired)
    seen, both, df = by_seeds(a, b, paired)
    drawn = []
    for _ in range(samples):
        chosen = [rng.randrange(n) for _ in range(n)]
        difference = mean_f1([[run[i] for i in chosen] for run in a]) - mean_f1([[run[i] for i in chosen] for run in b])
        deviation = (difference - observed) * sqrt(n / (n - 1)) / sqrt(rng.gammavariate((n - 1) / 2, 2) / (n - 1))
        seeds = max(seen * df / rng.gammavariate(df / 2, 2) - both, 0.0) + max(both - sentences, 0.0)
        drawn.append(observed + deviation + rng.gauss(0, sqrt(seeds)))
    drawn.sort()
    below = sum(value <= 0 for value in drawn) / samples
    return drawn[round(0.025 * samples)], drawn[round(0.975 * samples)], min(2 * min(below, 1 - below), 1.0)


def randomisation(a: System, b: System, samples: int, seed: int) -> float:
    """All runs of a sentence change sides together."""
    rng = random.Random(seed)
    observed = abs(pooled_f1(a) - pooled_f1(b))
    beyond = 0
    for _ in range(samples):
        swap = [rng.random() < 0.5 for _ in a[0]]
        beyond += abs(swapped(a, b, swap)) >= observed - 1e-12
    return (beyond + 1) / (samples + 1)


def swapped(a: System, b: System, swap: Sequence[bool]) -> float:
    ours = [
        [(y if s else x) for x, y, s in zip(run, other, swap, strict=True)] for run, other in zip(a, b, strict=True)
    ]
    theirs = [
        [(x if s else y) for x, y, s in zip(run, other, swap, strict=True)] for run, other in zip(a, b, strict=True)
    ]
    return pooled_f1(ours) - pooled_f1(theirs)


def randomisation_of_all(a: System, b: System) -> float:
    """Every way to swap sentences, each once."""
    observed = abs(pooled_f1(a) - pooled_f1(b))
    values = [abs(swapped(a, b, swap)) for swap in product([False, True], repeat=len(a[0]))]
    return sum(value >= observed - 1e-12 for value in values) / len(values)


def runs_exchanged(a: Sequence[float], b: Sequence[float], paired: bool) -> float:
    """Every way to name the runs."""
    observed = abs(fmean(a) - fmean(b))
    if paired:
        ways = [
            fmean(x if keep else y for x, y, keep in zip(a, b, way, strict=True))
            - fmean(y if keep else x for x, y, keep in zip(a, b, way, strict=True))
            for way in product([True, False], repeat=len(a))
        ]
    else:
        everything = [*a, *b]
        ways = []
        for chosen in combinations(range(len(everything)), len(a)):
            ours = [everything[i] for i in chosen]
            theirs = [value for i, value in enumerate(everything) if i not in chosen]
            ways.append(fmean(ours) - fmean(theirs))
    return sum(abs(way) >= observed - 1e-12 for way in ways) / len(ways)
