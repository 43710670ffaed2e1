"""F1 and recall on parts of a test set: by length of entity and sentence, type, training frequency, seen or not.

Gold and predicted entities are each sorted by their own properties, such as their own length. A hit is the same on both
sides, so correct, predicted and gold of all bins of a slice sum to those of the metric.

References:
    J. Fu, P. Liu, G. Neubig. Interpretable multi-dataset evaluation for named entity recognition. EMNLP 2020.
    I. Augenstein, L. Derczynski, K. Bontcheva. Generalisation in named entity recognition: a quantitative analysis.
        Computer Speech & Language, 2017 (seen and unseen).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ner_lightning.analysis.training_mentions import Mention, mention_of
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import Counts, judged_entities, run_f1, sum_groups
from ner_lightning.statistics.paired import LEVEL, interval_of
from ner_lightning.statistics.resampling import resampled_f1
from ner_lightning.statistics.variance import check_pair
from ner_lightning.tagging.spans import EntitySpan

ENTITY_LENGTHS = (1, 2, 3, 4, 6)  # words; lower edges of the bins
SENTENCE_LENGTHS = (1, 6, 11, 21, 31, 51, 101)  # words
FREQUENCIES = (0, 1, 2, 6, 21, 101)
SEEN, OTHER_TYPE, UNSEEN = "seen", "seen as another type", "unseen"
SAMPLES = 2_000

Key = Callable[[StoredSentence, EntitySpan], str]


class Slice(NamedTuple):
    """One bin of one slice; means over runs, as fractions of 1.

    Attributes:
        slice: `entity length`, `sentence length`, `type`, `frequency` or `seen`.
        bin: its range, such as `4-5`.
        correct: number of entities.
        predicted: number of entities.
        gold: number of entities.
        f1: strict; 0 where there is nothing.
        f1_interval: over sentences and seeds. If the entities come from few sentences it is too narrow; from one
            sentence, it shows the spread over seeds alone.
        recall: share of gold entities found; None where there is none.
        recall_interval: as above.
    """

    slice: str
    bin: str
    correct: float
    predicted: float
    gold: float
    f1: float
    f1_interval: tuple[float, float]
    recall: float | None
    recall_interval: tuple[float, float] | None


def slice_table(
    runs: Sequence[Sequence[StoredSentence]],
    mentions: Mapping[Mention, int] | None = None,
    *,
    scheme: str | None = None,
    groups: Sequence[Hashable] | None = None,
    samples: int = SAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Slice]:
    """Compute all slices of a system; bins without an entity on either side are left out.

    Args:
        runs: stored predictions of each run, on the same sentences in the same order.
        mentions: of the training data (`mention_counts`); None: no slices by frequency and `seen`.
        scheme: of the model; None: see `scheme_of`.
        groups: document of each sentence.
        samples: draws of the bootstrap.
        level: of the intervals.
        seed: of the draws.

    Raises:
        ValueError: runs on different sentences, or fewer than two.
    """
    names: list[tuple[str, str]] = []
    parts: list[Counts] = []
    for name, key in slice_keys(mentions).items():
        bins, counts = slice_counts(runs, key, scheme)
        for label, part in sorted(zip(bins, counts, strict=True), key=lambda pair: _bin_order(pair[0])):
            names.append((name, label))
            # Recall c / g equals the F1 of as many predictions as gold entities: 2c / (g + g).
            parts += [sum_groups(part, groups), sum_groups(part[..., [0, 2, 2]], groups)]
    if not parts:
        return []
    check_pair(parts[0], parts[0], paired_seeds=True)
    rng = np.random.default_rng(seed)
    scores = resampled_f1(np.concatenate(parts), samples, rng, empty=nan)  # all bins use the same draws
    drawn = [_without_empty(values) for values in np.split(scores, len(parts), axis=1)]
    intervals = [
        interval_of(part, values, level, rng) if part.any() else (0.0, 0.0)  # recall where there is no gold entity
        for part, values in zip(parts, drawn, strict=True)
    ]
    return [
        _row(name, parts[2 * i], parts[2 * i + 1], intervals[2 * i], intervals[2 * i + 1])
        for i, name in enumerate(names)
    ]


def _without_empty(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep draws without an entity of the bin in any run as NaN; if only one run lacks them, its F1 is 0."""
    return np.where(np.isnan(drawn).all(axis=1, keepdims=True), nan, np.nan_to_num(drawn))


def slice_keys(mentions: Mapping[Mention, int] | None = None) -> dict[str, Key]:
    """Return the function by which each slice sorts an entity."""
    keys: dict[str, Key] = {
        "type": lambda _, span: span.label,
        "entity length": lambda _, span: _range(span.end - span.start, ENTITY_LENGTHS),
        "sentence length": lambda sentence, _: _range(len(sentence.words), SENTENCE_LENGTHS),
    }
    if mentions is None:
        return keys
    surfaces = {surface for surface, _ in mentions}

    def seen(sentence: StoredSentence, span: EntitySpan) -> str:
        mention = mention_of(sentence.words, span)
        return SEEN if mentions.get(mention, 0) else OTHER_TYPE if mention[0] in surfaces else UNSEEN

    keys["frequency"] = lambda sentence, span: _range(mentions.get(mention_of(sentence.words, span), 0), FREQUENCIES)
    keys["seen"] = seen
    return keys


def slice_counts(
    runs: Sequence[Sequence[StoredSentence]], key: Key, scheme: str | None = None
) -> tuple[list[str], list[Counts]]:
    """Return the names of the bins and the counts `[runs, sentences, 3]` of each; they sum to `sentence_counts`.

    Raises:
        ValueError: runs on different sentences.
    """
    same_sentences(runs)
    counts: dict[str, Counts] = defaultdict(lambda: np.zeros((len(runs), len(runs[0]), 3), dtype=np.int64))
    for i, run in enumerate(runs):
        for j, (sentence, (gold, predicted)) in enumerate(zip(run, judged_entities(run, scheme=scheme), strict=True)):
            for column, spans in enumerate((set(gold) & set(predicted), predicted, gold)):
                for span in spans:
                    counts[key(sentence, span)][i, j, column] += 1
    return list(counts), list(counts.values())


def same_sentences(runs: Sequence[Sequence[StoredSentence]]) -> None:
    """Refuse runs that were not made on the same sentences.

    Raises:
        ValueError: no run, or other words or annotation in one than in the first.
    """
    if not runs:
        raise ValueError("expected at least one run, received none")
    for number, run in enumerate(runs[1:], 2):
        if len(run) != len(runs[0]):
            raise ValueError(
                f"expected runs on the same sentences, received {len(runs[0])} and {len(run)} (run {number})"
            )
        for first, other in zip(runs[0], run, strict=True):
            if first.words != other.words or first.gold != other.gold:
                raise ValueError(
                    f"expected runs on the same sentences, found other words or entities in {first.id!r} and "
                    f"{other.id!r} (run {number}); compare runs of one version of a corpus"
                )


def _row(
    name: tuple[str, str],
    counts: Counts,
    of_recall: Counts,
    f1_interval: tuple[float, float],
    recall_interval: tuple[float, float],
) -> Slice:
    correct, predicted, gold = (float(value) for value in counts.sum(axis=(0, 1)) / len(counts))
    f1, recall = float(run_f1(counts).mean()), float(run_f1(of_recall).mean())
    if not gold:
        return Slice(*name, correct, predicted, gold, f1, f1_interval, None, None)
    return Slice(*name, correct, predicted, gold, f1, f1_interval, recall, recall_interval)


def _range(value: int, edges: Sequence[int]) -> str:
    """Name the bin of a number: `3`, `4-5`, or `6+` from the last edge on."""
    place = bisect_right(edges, value) - 1
    low = edges[place]
    if place + 1 == len(edges):
        return f"{low}+"
    high = edges[place + 1] - 1
    return str(low) if low == high else f"{low}-{high}"


def _bin_order(label: str) -> tuple[int, str]:
    head = label.rstrip("+").split("-")[0]
    return (int(head), "") if head.isdecimal() else (-1, label)
