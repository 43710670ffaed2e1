"""Kinds of errors: each missed entity and each false alarm of the metric belongs to exactly one error of one kind.

| kind | gold | predicted |
|---|---|---|
| `boundary` | one | one, of its type, other words |
| `type` | one | one over the same words, another type |
| `boundary_and_type` | one | one that shares words, another type |
| `split` | one | several that share words with it, of any type |
| `merged` | several | one that shares words with them, of any type |
| `missed` | one | none |
| `spurious` | none | one |

So the gold entities of all errors are the metric's misses (gold - correct), the predicted ones its false alarms
(predicted - correct), kind by kind and type by type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import judged_entities
from ner_lightning.tagging.spans import EntitySpan

Kind = Literal["boundary", "type", "boundary_and_type", "missed", "spurious", "split", "merged"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ALL, NONE = "all", "none"
"""Heading of the row and column of entities without a partner in a table of confusions."""


_Group = tuple[list[EntitySpan], list[EntitySpan]]  # gold, predicted


class Error(NamedTuple):
    """One error: the entities that take part in it.

    Attributes:
        kind: see the table above.
        gold: annotated entities, none of them found; several where they were merged.
        predicted: found entities, all of them wrong; several where they are parts of one.

    The pair with most words in common comes first; the others follow in the order of the sentence.
    """

    kind: Kind
    gold: tuple[EntitySpan, ...]
    predicted: tuple[EntitySpan, ...]


class ErrorCount(NamedTuple):
    """The number of errors of a kind.

    Attributes:
        kind: the kind.
        type: the entity type, or `all`.
        misses: annotated entities of this type in errors of this kind.
        false_alarms: found entities of this type in errors of this kind.
        errors: how many; an error with entities of two types counts for both of them, but only once in `all`.
    """

    kind: Kind
    type: str
    misses: int
    false_alarms: int
    errors: int


class Confusion(NamedTuple):
    """Types of annotated entities against types of found ones.

    Attributes:
        types: of rows and columns; the last is `none`.
        counts: `[types, types]`, gold down, predicted across. A row sums to the gold entities of its type, a column to
            the found ones. The diagonal holds hits and entities of the right type with wrong boundaries.
        hits: `[types]`, those of the diagonal that are exactly right.
    """

    types: tuple[str, ...]
    counts: NDArray[np.int64]
    hits: NDArray[np.int64]


def classify(gold: Iterable[EntitySpan], predicted: Iterable[EntitySpan]) -> list[Error]:
    """Sort the wrong entities of one sentence into errors, in the order of the sentence.

    Entities in both gold and predictions are right and left out. Of the rest, pairs that share words are joined, the
    pair with most words in common first (then the one of equal type, the shorter, the earlier). An entity that is left
    over and shares words with one side of a pair joins it: the pair is then a split or a merger, never both.

    Args:
        gold: annotated entities of a sentence; duplicates count once.
        predicted: found entities.

    >>> ann, lee = EntitySpan(0, 1, "PER"), EntitySpan(1, 2, "PER")
    >>> classify([EntitySpan(0, 2, "PER")], [ann, lee])[0].kind
    'split'
    >>> [error.kind for error in classify([ann], [EntitySpan(0, 1, "LOC"), EntitySpan(4, 5, "LOC")])]
    ['type', 'spurious']
    """
    right = (gold := set(gold)) & (predicted := set(predicted))
    missed, wrong = sorted(gold - right), sorted(predicted - right)
    partners = _pairs(missed, wrong)
    groups = [([g], [p]) for g, p in partners.items()]
    of_gold = {g: group for group in groups for g in group[0]}
    of_predicted = {p: group for group in groups for p in group[1]}
    for p in wrong:
        if p not in of_predicted:
            _join(p, 1, [of_gold[g] for g in _by_overlap(p, partners)], groups)
    for g in missed:
        if g not in of_gold:
            _join(g, 0, [of_predicted[p] for p in _by_overlap(g, partners.values())], groups)
    errors = [Error(_kind(golds, found), tuple(golds), tuple(found)) for golds, found in groups]
    return sorted(errors, key=lambda error: min(error.gold + error.predicted))


def error_table(
    sentences: Iterable[StoredSentence], strict: bool = True, scheme: str | None = None
) -> list[ErrorCount]:
    """Count errors by kind and type; misses and false alarms sum to those of the metric.

    Args:
        sentences: stored predictions of a split.
        strict: read them as the strict metric does.
        scheme: of the model; None: see `scheme_of`.

    Returns:
        For each kind a row `all`, then one for each type that occurs in gold or predictions, in alphabetical order.
    """
    judged = judged_entities(sentences, strict, scheme)
    types = sorted({span.label for pair in judged for side in pair for span in side})
    rows = {(kind, name): [0, 0, 0] for kind in KINDS for name in (None, *types)}
    for gold, predicted in judged:
        for kind, *sides in classify(gold, predicted):
            for name in (None, *{span.label for side in sides for span in side}):
                row = rows[kind, name]
                for column, side in enumerate(sides):
                    row[column] += sum(name in (None, span.label) for span in side)
                row[2] += 1
    return [ErrorCount(kind, ALL if name is None else name, *row) for (kind, name), row in rows.items()]


def confusion(sentences: Iterable[StoredSentence], strict: bool = True, scheme: str | None = None) -> Confusion:
    """Count which type is taken for which; entities are paired as in `classify`, all others count against `none`.

    Args:
        sentences: stored predictions of a split.
        strict: read them as the strict metric does.
        scheme: of the model; None: see `scheme_of`.
    """
    judged = judged_entities(sentences, strict, scheme)
    types = (*sorted({span.label for pair in judged for side in pair for span in side}), NONE)
    index = {name: i for i, name in enumerate(types[:-1])}
    counts, hits = np.zeros((len(types), len(types)), dtype=np.int64), np.zeros(len(types), dtype=np.int64)
    for gold, predicted in judged:
        for span in set(gold) & set(predicted):
            hits[index[span.label]] += 1
        for _, golds, found in classify(gold, predicted):
            pairs = zip_longest(golds[:1], found[:1])
            alone = [*((g, None) for g in golds[1:]), *((None, p) for p in found[1:])]
            for g, p in (*pairs, *alone):
                counts[-1 if g is None else index[g.label], -1 if p is None else index[p.label]] += 1
    counts[np.diag_indices(len(types))] += hits
    return Confusion(types, counts, hits)


def shared_words(one: EntitySpan, other: EntitySpan) -> int:
    """Count the words that two entities have in common.

    >>> shared_words(EntitySpan(0, 3, "PER"), EntitySpan(2, 5, "LOC"))
    1
    """
    return max(min(one.end, other.end) - max(one.start, other.start), 0)


def _pairs(missed: Sequence[EntitySpan], wrong: Sequence[EntitySpan]) -> dict[EntitySpan, EntitySpan]:
    """Pair gold with predicted entities, best pairs first, each in at most one pair."""
    candidates = [
        (-shared, g.label != p.label, p.end - p.start, g, p)
        for g in missed
        for p in wrong
        if (shared := shared_words(g, p))
    ]
    partners: dict[EntitySpan, EntitySpan] = {}
    taken: set[EntitySpan] = set()
    for *_, g, p in sorted(candidates):
        if g not in partners and p not in taken:
            partners[g] = p
            taken.add(p)
    return partners


def _by_overlap(span: EntitySpan, others: Iterable[EntitySpan]) -> list[EntitySpan]:
    near = [other for other in others if shared_words(span, other)]
    return sorted(near, key=lambda other: (-shared_words(span, other), other))


def _join(span: EntitySpan, side: int, near: Iterable[_Group], groups: list[_Group]) -> None:
    """Put a leftover into the nearest error with only one entity on the other side, or into one of its own."""
    for group in near:
        if len(group[1 - side]) == 1:
            group[side].append(span)
            return
    alone: _Group = ([], [])
    alone[side].append(span)
    groups.append(alone)


def _kind(golds: Sequence[EntitySpan], found: Sequence[EntitySpan]) -> Kind:
    if not found:
        return "missed"
    if not golds:
        return "spurious"
    if len(found) > 1:
        return "split"
    if len(golds) > 1:
        return "merged"
    if golds[0].label == found[0].label:
        return "boundary"
    return "type" if golds[0][:2] == found[0][:2] else "boundary_and_type"
