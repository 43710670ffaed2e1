"""Entities of stored predictions counted as in the metric: three integers per sentence, whose sums give any F1.

All comparisons of runs start here, so that their F1 is exactly that of `result.json`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ner_lightning.run.predictions import StoredSentence
from ner_lightning.tagging.schemes import Repair, tags_to_spans
from ner_lightning.tagging.spans import EntitySpan

Counts = NDArray[np.int64]
"""`[..., 3]`: numbers of entities that are correct, predicted, in gold."""

FEWEST_DOCUMENTS = 20  # with fewer, their variance is known too poorly to rely on


class JudgedSentence(NamedTuple):
    """The entities of one sentence that the metric counts, in order."""

    gold: tuple[EntitySpan, ...]
    predicted: tuple[EntitySpan, ...]


def sentence_counts(sentences: Iterable[StoredSentence], strict: bool = True, scheme: str | None = None) -> Counts:
    """Count the correct, predicted and gold entities of each sentence; int `[sentences, 3]`.

    Their sums over sentences give exactly the micro F1 of the metric (`f1`), strict or lenient.

    Args:
        sentences: stored predictions of a split.
        strict: leave out entities not written as the scheme demands (seqeval's `mode="strict"`); False: keep them.
        scheme: of the model, `IOB2` or `BIOES`; None: see `scheme_of`.

    >>> from ner_lightning.tagging.spans import ScoredSpan
    >>> ann, oslo = EntitySpan(0, 1, "PER"), EntitySpan(2, 3, "LOC")
    >>> sentence_counts([StoredSentence("1", "", ("Ann", "in", "Oslo"), (ann, oslo), (ScoredSpan(ann, 0.9),))])
    array([[1, 1, 2]])
    """
    rows = []
    for gold, predicted in judged_entities(sentences, strict, scheme):
        rows.append((len(set(gold) & set(predicted)), len(predicted), len(gold)))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def judged_entities(
    sentences: Iterable[StoredSentence], strict: bool = True, scheme: str | None = None
) -> list[JudgedSentence]:
    """List the gold and predicted entities of each sentence as the metric counts them.

    Almost always they are those stored. If the model's tags broke its scheme, the strict reading has fewer. Entities of
    either side with, or directly beside, a word that nobody annotated do not count.

    Args:
        sentences: stored predictions of a split.
        strict: leave out entities not written as the scheme demands.
        scheme: of the model, `IOB2` or `BIOES`; None: see `scheme_of`.
    """
    sentences = list(sentences)
    scheme = scheme or scheme_of(sentences)
    return [_judged(sentence, strict, scheme) for sentence in sentences]


def scheme_of(sentences: Iterable[StoredSentence]) -> str:
    """Infer the model's scheme from stored predictions: BIOES if they contain an E- or S-, otherwise IOB2.

    Only tags that broke the scheme are stored. Without any, the scheme affects no count; otherwise pass that of the
    run's configuration, `data.scheme`.

    >>> scheme_of([])
    'IOB2'
    """
    tags = (tag for sentence in sentences for tag in sentence.predicted_tags or ())
    return "BIOES" if any(tag[0] in "ES" for tag in tags) else "IOB2"


def _judged(sentence: StoredSentence, strict: bool, scheme: str) -> JudgedSentence:
    predicted = tuple(entity.span for entity in sentence.predicted)
    if sentence.predicted_tags is not None:
        repair: Repair = "discard" if strict else "conlleval"
        predicted = tags_to_spans(sentence.predicted_tags, scheme, repair).spans
    return JudgedSentence(sentence.counted(sentence.gold), sentence.counted(predicted))


def f1(counts: ArrayLike) -> NDArray[np.float64]:
    """Compute micro F1 = 2 * correct / (predicted + gold) of counts `[..., 3]`, as a fraction; 0 if there is nothing.

    >>> f1([[1, 2, 1], [0, 0, 0]]).tolist()
    [0.6666666666666666, 0.0]
    """
    correct, predicted, gold = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    whole = predicted + gold
    return np.divide(2 * correct, whole, out=np.zeros_like(whole), where=whole > 0)


def run_f1(system: ArrayLike) -> NDArray[np.float64]:
    """Compute F1 of each run of a system, counts `[runs, sentences, 3]`, or of a single run, `[sentences, 3]`.

    >>> run_f1([[[1, 1, 1], [0, 1, 1]]]).tolist()
    [0.5]
    """
    return f1(as_system(system).sum(axis=1))


def as_system(counts: ArrayLike) -> Counts:
    """Convert counts of a system to int `[runs, sentences, 3]`; a single run may come without its axis.

    Raises:
        ValueError: another shape, no run, no sentence, or more correct entities than predicted or gold ones.

    >>> as_system([[1, 1, 1]]).shape
    (1, 1, 3)
    """
    system = np.asarray(counts)
    if system.ndim == 2:
        system = system[None]
    if system.ndim != 3 or system.shape[2] != 3 or 0 in system.shape or not np.issubdtype(system.dtype, np.integer):
        raise ValueError(
            "expected counts of correct, predicted and gold entities, integers of shape [runs, sentences, 3] with at "
            f"least one run and one sentence; received {system.dtype} of shape {system.shape}"
        )
    if (system < 0).any() or (system[..., 0] > system[..., 1:].min(axis=-1)).any():
        raise ValueError("expected no more correct entities than predicted or gold ones, and none below zero")
    return system.astype(np.int64, copy=False)


def sum_groups(system: ArrayLike, groups: Sequence[Hashable] | None) -> Counts:
    """Sum the counts of each document's sentences; without documents, each sentence is its own unit.

    Args:
        system: counts `[runs, sentences, 3]`.
        groups: the document of each sentence; each empty name is a document of its own.

    Returns:
        Counts `[runs, units, 3]`, documents in the order of their first sentence.

    Raises:
        ValueError: the number of names differs from that of sentences.

    >>> sum_groups([[[1, 1, 1], [0, 1, 0], [1, 1, 1]]], ["d1", "d2", "d1"]).tolist()
    [[[2, 2, 2], [0, 1, 0]]]
    """
    counts = as_system(system)
    if groups is None:
        return counts
    if len(groups) != counts.shape[1]:
        raise ValueError(f"expected a document for each of {counts.shape[1]} sentences, received {len(groups)}")
    numbers: dict[Hashable, int] = {}
    unit = [numbers.setdefault(("", i) if name == "" else name, len(numbers)) for i, name in enumerate(groups)]
    summed = np.zeros((len(numbers), len(counts), 3), dtype=np.int64)
    np.add.at(summed, np.array(unit), counts.swapaxes(0, 1))
    return summed.swapaxes(0, 1)


def document_groups(sentences: Iterable[StoredSentence], least: int = FEWEST_DOCUMENTS) -> list[str] | None:
    """Return the document of each sentence, for `groups` of the tests; None if there are too few documents.

    Sentences of a document are alike, and a test that takes them as independent is overconfident. But a handful of
    documents says nothing about others: then sentences must do, and the report should say so.

    Args:
        sentences: stored predictions of a split.
        least: smallest number of documents.

    >>> document_groups([StoredSentence("1", "news", ("a",), (), ())])
    """
    names = [sentence.document for sentence in sentences]
    return names if "" not in names and least <= len(set(names)) < len(names) else None
