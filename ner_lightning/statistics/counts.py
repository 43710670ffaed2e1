"""Entities of stored predictions as the metric counts them: three integers a sentence, added up to any F1.

Everything that compares runs starts here, so that its F1 is the F1 of `result.json`, not one nearly like it.
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
"""`[..., 3]`: entities that are correct, predicted, in gold."""

FEWEST_DOCUMENTS = 20  # below, their variance is known too badly to build on


class JudgedSentence(NamedTuple):
    """The entities of one sentence that the metric sees, in order."""

    gold: tuple[EntitySpan, ...]
    predicted: tuple[EntitySpan, ...]


def sentence_counts(sentences: Iterable[StoredSentence], strict: bool = True, scheme: str | None = None) -> Counts:
    """Count the entities of each sentence that are correct, predicted and in gold; int `[sentences, 3]`.

    Summed over sentences they give exactly the micro F1 of the metric (`f1`), strict or lenient.

    Args:
        sentences: stored predictions of a split.
        strict: leave out entities that the scheme would not write so (seqeval's `mode="strict"`); False: keep them.
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
    """The gold and predicted entities of each sentence as the metric counts them.

    Almost always they are those stored. Where the model's tags broke its scheme, the strict reading has fewer. Entities
    of either side that hold or touch a word that nobody annotated do not count.

    Args:
        sentences: stored predictions of a split.
        strict: leave out entities that the scheme would not write so.
        scheme: of the model, `IOB2` or `BIOES`; None: see `scheme_of`.
    """
    sentences = list(sentences)
    scheme = scheme or scheme_of(sentences)
    return [_judged(sentence, strict, scheme) for sentence in sentences]


def scheme_of(sentences: Iterable[StoredSentence]) -> str:
    """The model's scheme, as far as stored predictions tell: BIOES if an E- or S- stands in them, otherwise IOB2.

    Only tags that broke the scheme are stored. Without any, the scheme changes no count; otherwise give the one of the
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
    """Micro F1 = 2 * correct / (predicted + gold) of counts `[..., 3]`, as a fraction; 0 where there is nothing.

    >>> f1([[1, 2, 1], [0, 0, 0]]).tolist()
    [0.6666666666666666, 0.0]
    """
    correct, predicted, gold = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    whole = predicted + gold
    return np.divide(2 * correct, whole, out=np.zeros_like(whole), where=whole > 0)


def run_f1(system: ArrayLike) -> NDArray[np.float64]:
    """F1 of each run of a system, counts `[runs, sentences, 3]`, or of a single run, `[sentences, 3]`.

    >>> run_f1([[[1, 1, 1], [0, 1, 1]]]).tolist()
    [0.5]
    """
    return f1(as_system(system).sum(axis=1))


def as_system(counts: ArrayLike) -> Counts:
    """Counts of a system as int `[runs, sentences, 3]`; a single run may come without its axis.

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
    """Add up the sentences of each document; without documents each sentence stands for itself.

    Args:
        system: counts `[runs, sentences, 3]`.
        groups: the document of each sentence; an empty name is a document of its own.

    Returns:
        Counts `[runs, units, 3]`, documents in the order of their first sentence.

    Raises:
        ValueError: not as many names as sentences.

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
    """The document of each sentence, for `groups` of the tests; None where documents cannot stand for the test set.

    Sentences of a document are alike, and a test that takes them for independent is too sure. But a handful of
    documents says nothing of others: then sentences it is, and the report should say so.

    Args:
        sentences: stored predictions of a split.
        least: documents there must be.

    >>> document_groups([StoredSentence("1", "news", ("a",), (), ())])
    """
    names = [sentence.document for sentence in sentences]
    return names if "" not in names and least <= len(set(names)) < len(names) else None
