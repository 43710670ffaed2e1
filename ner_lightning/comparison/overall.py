"""What holds over all test sets together: mean F1 of each configuration, and the tests of their mean differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ner_lightning.analysis.paired import Difference
from ner_lightning.analysis.several_sets import mean_difference
from ner_lightning.analysis.significance import holm, is_shown, noncentrality, verdict
from ner_lightning.comparison.section import Section
from ner_lightning.comparison.table import Mark, marks_of


class Everywhere(NamedTuple):
    """A configuration that was judged on every test set.

    Attributes:
        name: of the configuration, the same in all sections.
        f1: mean over runs on each test set.
        mean: of these.
        mark: the best; no difference from the best was shown; or neither.
    """

    name: str
    f1: tuple[float, ...]
    mean: float
    mark: Mark


class MeanPair(NamedTuple):
    """Two configurations compared over all test sets.

    Attributes:
        a: the one with the higher mean.
        b: the other.
        difference: mean over the sets, a minus b.
        each: on each set.
        p_holm: corrected for all such pairs.
        detectable: smallest true mean difference that could have been shown, uncorrected.
        sentence: the verdict.
    """

    a: str
    b: str
    difference: Difference
    each: tuple[Difference, ...]
    p_holm: float
    detectable: float
    sentence: str

    @property
    def shown(self) -> bool:
        """Whether a difference was shown, after correction."""
        return is_shown(self.p_holm, self.difference.level)


@dataclass(frozen=True)
class Overall:
    """Configurations over all test sets, each set of the same weight.

    Attributes:
        sets: names of the sections.
        rows: the best first.
        pairs: that were tested on every set, the largest difference first.
    """

    sets: tuple[str, ...]
    rows: list[Everywhere]
    pairs: list[MeanPair]


def over_all(sections: Sequence[Section]) -> Overall | None:
    """Look at several sections together.

    Args:
        sections: of a comparison.

    Returns:
        None where there are fewer than two sections, or no pair of configurations that was tested in each.
    """
    if len(sections) < 2:
        return None
    found: dict[tuple[str, str], list[Difference]] = {}
    for section in sections:
        for a, b, difference, *_ in section.pairs.pairs:
            found.setdefault((min(a, b), max(a, b)), []).append(difference if a < b else difference.turned())
    tested = {names: each for names, each in found.items() if len(each) == len(sections)}
    if not tested:
        return None
    pairs = _pairs(tested)
    names = {name for names in tested for name in names}
    f1 = {name: tuple(_f1(section, name) for section in sections) for name in names}
    means = {name: sum(values) / len(values) for name, values in f1.items()}
    ranked = sorted(names, key=lambda name: (-means[name], name))
    marks = marks_of(ranked[0], [(pair.a, pair.b) for pair in pairs if not pair.shown])
    rows = [Everywhere(name, f1[name], means[name], marks.get(name, "")) for name in ranked]
    return Overall(tuple(section.name for section in sections), rows, pairs)


def _f1(section: Section, name: str) -> float:
    return next(row.f1 for row in section.rows if row.name == name)


def _pairs(tested: dict[tuple[str, str], list[Difference]]) -> list[MeanPair]:
    means = {names: mean_difference(each) for names, each in tested.items()}
    adjusted = holm([mean.p for mean in means.values()])
    pairs = []
    for ((a, b), mean), p in zip(means.items(), adjusted, strict=True):
        each = tested[a, b]
        if mean.difference < 0:
            a, b, mean, each = b, a, mean.turned(), [difference.turned() for difference in each]
        detectable = noncentrality(mean.df, level=mean.level) * mean.standard_error
        ahead = sum(difference.difference > 0 for difference in each)
        runs = f"{_seeds(each)}, mean of {len(each)} test sets, ahead on {ahead}"
        said = verdict(mean, a, b, p=p, pairs=len(means), detectable=detectable, runs=runs)
        pairs.append(MeanPair(a, b, mean, tuple(each), p, detectable, said))
    return sorted(pairs, key=lambda pair: -pair.difference.difference)


def _seeds(each: Sequence[Difference]) -> str:
    numbers = {n for difference in each for n in difference.runs}
    few, many = min(numbers), max(numbers)
    if many == 1:
        return "1 seed: others may say otherwise"
    return f"{many} seeds" if few == many else f"{few} to {many} seeds"
