"""Divide sentences into parts: documents whole, repeated sentences together, with fair shares of each entity type.

Sentences that must stay together form a unit: those of a document, and those with the same words. Units are dealt out
by iterative stratification, with counts of labels instead of their mere presence.

K. Sechidis, G. Tsoumakas, I. Vlahavas. On the stratification of multi-label data. ECML PKDD 2011.

The order of units is decided by a seed and their words, not by their place: the same sentences in other files, or in
another order, are divided alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

PASSES, TOLERANCE = 10, 0.01
"""Most passes over the units to even out the parts, and the share of a part's target at which this stops."""

HALVINGS = 6
"""How often `nested_order` halves: any beginning is stratified, to a 64th of the whole."""


@dataclass(frozen=True)
class Units:
    """Groups of sentences that are dealt out whole, in an order that a seed decides.

    Attributes:
        of_sentence: the unit of each sentence.
        sizes: sentences of each unit.
        labels: `[units, labels]`, mentions of each type.
    """

    of_sentence: Numbers
    sizes: Numbers
    labels: Numbers


def tie_sentences(documents: Sequence[int], texts: Sequence[bytes], largest: float) -> Numbers:
    """Assign each sentence to a unit: its document, or, without one, all sentences with the same words.

    Documents that share a sentence are one unit, unless it would have more than `largest` sentences: if most documents
    shared a line such as a date line, nothing could be divided. Such documents are separate units.

    Args:
        documents: number of the document of each sentence, -1 if there is none.
        texts: the words of each sentence, or a digest of them.
        largest: most sentences of a unit of several documents.

    >>> tie_sentences([-1, -1, -1], [b"a", b"b", b"a"], largest=9).tolist()
    [0, 1, 0]
    >>> tie_sentences([0, 0, 1, 2], [b"a", b"b", b"b", b"c"], largest=9).tolist()
    [0, 0, 0, 1]
    >>> tie_sentences([0, 0, 1, 2], [b"a", b"b", b"b", b"c"], largest=2).tolist()
    [0, 0, 1, 2]
    """
    own: dict[int | bytes, int] = {}  # documents, and texts of sentences without one
    wholes = [
        own.setdefault(document if document >= 0 else text, len(own))
        for document, text in zip(documents, texts, strict=True)
    ]
    parents = list(range(len(own)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    first: dict[bytes, int] = {}
    for text, whole in zip(texts, wholes, strict=True):
        one, other = root(first.setdefault(text, whole)), root(whole)
        parents[max(one, other)] = min(one, other)
    tied = np.array([root(whole) for whole in range(len(own))], np.int64)
    alone = np.array(wholes, np.int64)
    sizes = np.bincount(tied[alone], minlength=len(own))
    units = np.where(sizes[tied[alone]] > largest, alone, tied[alone])
    return np.unique(units, return_inverse=True)[1].astype(np.int64)


def arrange_units(of_sentence: Numbers, texts: Sequence[bytes], labels: Numbers, seed: int) -> Units:
    """Sort units by a digest of the seed and their sentences, whatever the order of those.

    Args:
        of_sentence: the unit of each sentence.
        texts: the words of each sentence, or a digest of them.
        labels: `[sentences, labels]`, mentions of each type.
        seed: of the order.
    """
    members: list[list[bytes]] = [[] for _ in range(int(of_sentence.max(initial=-1)) + 1)]
    for unit, text in zip(of_sentence.tolist(), texts, strict=True):
        members[unit].append(text)
    salt = seed.to_bytes(16, "little", signed=True)
    keys = [hashlib.blake2b(b"\0".join(sorted(each)), digest_size=16, salt=salt).digest() for each in members]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    units = place[of_sentence]
    summed = np.zeros((len(order), labels.shape[1]), np.int64)
    np.add.at(summed, units, labels)
    return Units(units, np.bincount(units, minlength=len(order)), summed)


def stratify(units: Units, shares: Sequence[float], seed: int, among: Numbers | None = None) -> Numbers:
    """Assign a part to each unit: from the rarest type on, the part that still wants most of it gets the next unit.

    Args:
        units: to be dealt out.
        shares: of the parts, positive; only their ratios matter.
        seed: decides between parts that want equally much.
        among: the units to deal out; None: all.

    Returns:
        A part for each unit of `among`.

    >>> units = Units(np.arange(4), np.ones(4, int), np.array([[1, 0], [0, 2], [1, 0], [0, 2]]))
    >>> sorted(stratify(units, [0.5, 0.5], seed=1)[::2].tolist()), sorted(stratify(units, [1, 1], seed=1).tolist())
    ([0, 1], [0, 0, 1, 1])
    """
    among = np.arange(len(units.sizes)) if among is None else among
    labels, sizes = units.labels[among], units.sizes[among]
    weights = np.array(shares) / sum(shares)
    wanted: list[list[float]] = np.outer(labels.sum(axis=0), weights).tolist()
    room: list[float] = (weights * sizes.sum()).tolist()
    ties = np.random.default_rng((seed % 2**64, len(among))).permutation(len(shares)).tolist()
    parts = np.full(len(among), -1, np.int64)

    def give(unit: int, wishes: list[float]) -> None:
        part = max(range(len(room)), key=lambda each: (round(wishes[each], 9), room[each], ties[each]))
        parts[unit] = part
        room[part] -= sizes[unit]
        for label in np.flatnonzero(labels[unit]).tolist():
            wanted[label][part] -= labels[unit, label]

    left = labels.copy()
    while (count := left.sum(axis=0)).any():
        rarest = int(np.where(count > 0, count, np.iinfo(np.int64).max).argmin())
        having = np.flatnonzero(left[:, rarest])
        for unit in having[np.argsort(-left[having, rarest], kind="stable")].tolist():
            give(unit, wanted[rarest])
        left[having] = 0
    rest = np.flatnonzero(parts < 0)
    for unit in rest[np.argsort(-sizes[rest], kind="stable")].tolist():
        give(unit, room)
    return _evened(parts, np.column_stack([sizes, labels]), weights)


def _evened(parts: Numbers, counts: Numbers, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Move single units as long as that brings sentences and types nearer to the shares, as documents are coarse."""
    counts = counts[:, counts.any(axis=0)]
    total = counts.sum(axis=0)
    amounts = counts / total
    over = np.zeros((len(shares), counts.shape[1]))  # the excess of each part, as shares of the whole
    np.add.at(over, parts, amounts)
    over -= shares[:, None]
    for _ in range(PASSES):
        moved = False
        for unit in range(len(parts) if (np.abs(over) > TOLERANCE * shares[:, None]).any() else 0):
            amount, here = amounts[unit], parts[unit]
            # Change of the sum of squares over parts and labels, relative to shares, when a unit leaves and arrives.
            change = (amount * (2 * over + amount)).sum(axis=1) / shares
            change += (amount * (amount - 2 * over[here])).sum() / shares[here]
            change[here] = 0
            there = int(change.argmin())
            if change[there] < -1e-12:
                over[here] -= amount
                over[there] += amount
                parts[unit], moved = there, True
        if not moved:
            break
    return parts


def nested_order(units: Units, seed: int) -> Numbers:
    """Order units so that every beginning is stratified: halves, halves of halves, and so on."""
    blocks = [np.arange(len(units.sizes))]
    for depth in range(HALVINGS):
        halves = []
        for number, block in enumerate(blocks):
            second = stratify(units, (1, 1), seed + (depth << 32) + (number << 40), block) == 1
            halves += [block[~second], block[second]]
        blocks = [half for half in halves if len(half)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int64)


def first_share(units: Units, share: float, seed: int) -> Numbers:
    """Take sentences of the first units of `nested_order` that come closest to a share; at least one unit.

    >>> units = Units(np.array([0, 0, 1, 2]), np.array([2, 1, 1]), np.array([[2], [1], [1]]))
    >>> [len(first_share(units, share, seed=0)) for share in (0.01, 1.0)] >= [1, 4]
    True
    """
    order = nested_order(units, seed)
    reached = np.cumsum(units.sizes[order])
    if not len(order):
        return order
    last = int(np.abs(reached - share * reached[-1]).argmin())
    chosen = np.zeros(len(order), bool)
    chosen[order[: last + 1]] = True
    return np.flatnonzero(chosen[units.of_sentence])
