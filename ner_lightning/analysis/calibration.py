"""Measure whether the probabilities of found entities mean what they say.

An entity found with probability 0.8 should be right four times in five. It is right if the annotation has the same
words with the same type. Entities that were not found have no probability and are left out; only `filter_curve` shows
recall.

References:
    M. P. Naeini, G. Cooper, M. Hauskrecht. Obtaining well calibrated probabilities using Bayesian binning. AAAI 2015.
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger. On calibration of modern neural networks. ICML 2017.
    K. Nguyen, B. O'Connor. Posterior calibration and exploratory analysis for NLP models. EMNLP 2015 (equal mass).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, NamedTuple

import numpy as np

from ner_lightning.run.predictions import StoredSentence

Binning = Literal["equal_width", "equal_mass"]

BINS = 10
THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class Outcome(NamedTuple):
    """One found entity: its probability, and whether it was right."""

    probability: float
    correct: bool


class ReliabilityBin(NamedTuple):
    """Found entities of similar probability.

    Attributes:
        low: equal width: the bin's lower edge (inclusive). Equal mass: the lowest probability in it.
        high: equal width: the bin's upper edge (exclusive, except 1). Equal mass: the highest probability in it.
        entities: how many.
        mean_probability: what the model predicted.
        share_correct: share of them that were right.
    """

    low: float
    high: float
    entities: int
    mean_probability: float
    share_correct: float


class Filtered(NamedTuple):
    """Scores when entities less probable than `min_probability` are left out; `kept` is how many are left."""

    min_probability: float
    precision: float
    recall: float
    f1: float
    kept: int


@dataclass(frozen=True)
class Calibration:
    """The calibration of the entity probabilities of one split.

    Attributes:
        n: found entities that can be judged.
        equal_width: reliability table over equal parts of [0, 1].
        equal_mass: reliability table over parts with equally many entities.
        brier: mean squared error of the probabilities; None without entities.
        filtered: precision, recall and F1 by `min_probability`.
    """

    n: int
    equal_width: tuple[ReliabilityBin, ...]
    equal_mass: tuple[ReliabilityBin, ...]
    brier: float | None
    filtered: tuple[Filtered, ...]

    @property
    def ece(self) -> float | None:
        """Expected calibration error over bins of equal width; None without entities."""
        return calibration_error(self.equal_width) if self.n else None

    def summary(self) -> dict[str, Any]:
        """Return the figures, without the tables, as plain values; None where there is no entity."""
        return {
            "n": self.n,
            "ece": self.ece,
            "ece_equal_mass": calibration_error(self.equal_mass) if self.n else None,
            "brier": self.brier,
            "mean_probability": _mean(self.equal_width, "mean_probability"),
            "share_correct": _mean(self.equal_width, "share_correct"),
        }


def calibration_of(sentences: Iterable[StoredSentence]) -> Calibration:
    """Measure calibration from the stored predictions of a split."""
    sentences = list(sentences)
    outcomes = entity_outcomes(sentences)
    return Calibration(
        n=len(outcomes),
        equal_width=tuple(reliability_table(outcomes, binning="equal_width")),
        equal_mass=tuple(reliability_table(outcomes, binning="equal_mass")),
        brier=brier_score(outcomes) if outcomes else None,
        filtered=tuple(filter_curve(outcomes, sum(len(sentence.counted(sentence.gold)) for sentence in sentences))),
    )


def entity_outcomes(sentences: Iterable[StoredSentence]) -> list[Outcome]:
    """Pair each found entity with whether it is right; those with or beside unannotated words are left out.

    >>> from ner_lightning.tagging.spans import EntitySpan, ScoredSpan
    >>> oslo = EntitySpan(0, 1, "LOC")
    >>> entity_outcomes([StoredSentence("1", "", ("Oslo",), (oslo,), (ScoredSpan(oslo, 0.9),))])
    [Outcome(probability=0.9, correct=True)]
    """
    found = []
    for sentence in sentences:
        gold = set(sentence.counted(sentence.gold))
        counted = set(sentence.counted(entity.span for entity in sentence.predicted))
        found += [Outcome(probability, span in gold) for span, probability in sentence.predicted if span in counted]
    return found


def reliability_table(
    outcomes: Sequence[Outcome], bins: int = BINS, binning: Binning = "equal_width"
) -> list[ReliabilityBin]:
    """Sort found entities into bins of similar probability; empty bins are left out.

    Equal width: bin b is [b / bins, (b + 1) / bins), the last one including 1. Equal mass: an entity with r less
    probable ones is in bin floor(r * bins / n), so that entities of the same probability are in the same bin, whatever
    their order; large ties make bins uneven.

    Args:
        outcomes: of the found entities.
        bins: how many, at most.
        binning: `equal_width` or `equal_mass`.

    Raises:
        ValueError: fewer than one bin, or a probability outside [0, 1].

    >>> reliability_table([Outcome(0.25, False), Outcome(0.75, True), Outcome(1.0, True)], bins=2)[1]
    ReliabilityBin(low=0.5, high=1.0, entities=2, mean_probability=0.875, share_correct=1.0)
    """
    if bins < 1:
        raise ValueError(f"expected at least one bin, received {bins}")
    if not outcomes:
        return []
    probability, correct = (np.array(column, dtype=float) for column in zip(*outcomes, strict=True))
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(f"expected probabilities in [0, 1], received {probability.min()} to {probability.max()}")
    edges = np.arange(bins + 1) / bins
    if binning == "equal_width":
        index = np.minimum(np.searchsorted(edges, probability, side="right") - 1, bins - 1)
    else:
        index = np.searchsorted(np.sort(probability), probability, side="left") * bins // len(probability)
    table = []
    for b in np.unique(index):
        p, c = probability[index == b], correct[index == b]
        low, high = (edges[b], edges[b + 1]) if binning == "equal_width" else (p.min(), p.max())
        table.append(ReliabilityBin(float(low), float(high), len(p), float(p.mean()), float(c.mean())))
    return table


def calibration_error(table: Sequence[ReliabilityBin]) -> float:
    """Compute the expected calibration error sum_b (n_b / n) * |share correct in b - mean probability in b|.

    This is equation 3 of Guo et al. (2017), after Naeini et al. (2015). It depends on the bins, and with few entities
    per bin it is above zero even for perfect probabilities: compare only values from the same bins and similar counts.

    Args:
        table: of `reliability_table`.

    Raises:
        ValueError: a table without entities.

    >>> calibration_error([ReliabilityBin(0, 0.5, 1, 0.25, 0.0), ReliabilityBin(0.5, 1, 3, 0.75, 0.5)])
    0.25
    """
    n = sum(row.entities for row in table)
    if not n:
        raise ValueError("expected at least one found entity, received none: there is nothing to calibrate")
    return sum(row.entities / n * abs(row.share_correct - row.mean_probability) for row in table)


def brier_score(outcomes: Sequence[Outcome]) -> float:
    """Compute the mean of (probability - correct)^2 over found entities, which needs no bins.

    Raises:
        ValueError: no entity.

    Reference:
        G. Brier. Verification of forecasts expressed in terms of probability. Monthly Weather Review, 1950.

    >>> brier_score([Outcome(0.5, True), Outcome(0.5, False)])
    0.25
    """
    if not outcomes:
        raise ValueError("expected at least one found entity, received none: there is nothing to score")
    return sum((probability - correct) ** 2 for probability, correct in outcomes) / len(outcomes)


def filter_curve(outcomes: Sequence[Outcome], n_gold: int, thresholds: Iterable[float] = THRESHOLDS) -> list[Filtered]:
    """Compute the scores that `predict min_probability=...` would have at each threshold.

    As in the metric, a ratio over nothing is 0.

    Args:
        outcomes: of the found entities.
        n_gold: annotated entities, found or not.
        thresholds: values of `min_probability`.

    >>> filter_curve([Outcome(0.9, True), Outcome(0.3, False)], n_gold=2, thresholds=[0.5])
    [Filtered(min_probability=0.5, precision=1.0, recall=0.5, f1=0.6666666666666666, kept=1)]
    """
    curve = []
    for threshold in thresholds:
        kept = [correct for probability, correct in outcomes if probability >= threshold]
        hits = sum(kept)
        precision, recall = hits / max(len(kept), 1), hits / max(n_gold, 1)
        curve.append(Filtered(threshold, precision, recall, 2 * hits / max(len(kept) + n_gold, 1), len(kept)))
    return curve


def wilson_interval(share: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Compute the confidence interval of a share seen in n trials; reliable near 0 and 1, too.

    Args:
        share: the share that was seen.
        n: number of trials.
        z: width in standard deviations; the default gives 95 %.

    Reference:
        E. B. Wilson. Probable inference, the law of succession, and statistical inference. JASA, 1927.

    >>> [round(limit, 3) for limit in wilson_interval(1.0, 10)]
    [0.722, 1.0]
    """
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _mean(table: Sequence[ReliabilityBin], column: str) -> float | None:
    n = sum(row.entities for row in table)
    return sum(row.entities * getattr(row, column) for row in table) / n if n else None
