"""Batches with a limit on subwords: what a sentence costs, and how sentences fill a budget.

Both ways of filling use chance only to place equally long sentences: the number of batches is the same in every epoch,
so that a schedule knows it and processes agree on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapreplace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class Costs(NamedTuple):
    """The cost of each sentence of a corpus for the encoder, including special tokens and overlaps of windows.

    Attributes:
        rows: number of encoder rows, 1 unless the sentence is read in windows.
        longest: subwords of its longest row.
        subwords: subwords of all its rows.
    """

    rows: Indices
    longest: Indices
    subwords: Indices

    @classmethod
    def of_lengths(cls, lengths: Sequence[int] | np.ndarray) -> Costs:
        """Make the costs of sentences of one row each, from their numbers of subwords."""
        lengths = np.asarray(lengths, np.int64)
        return cls(np.ones_like(lengths), lengths, lengths)

    def grown(self, by: np.ndarray) -> Costs:
        """Add that many subwords to each sentence; negative numbers add none.

        >>> Costs.of_lengths([3, 5]).grown(np.array([2, -1])).subwords.tolist()
        [5, 5]
        """
        more = np.maximum(by, 0)
        return Costs(self.rows, self.longest + more, self.subwords + more)

    def of_batch(self, batch: Sequence[int] | np.ndarray, *, padded: bool) -> int:
        """Compute the subwords that a batch costs: rows times the longest, or their sum when packed.

        >>> costs = Costs.of_lengths([3, 5, 2])
        >>> costs.of_batch([0, 1], padded=True), costs.of_batch([0, 1], padded=False)
        (10, 8)
        """
        chosen = np.asarray(batch, np.int64)
        if padded:
            return int(self.rows[chosen].sum() * self.longest[chosen].max())
        return int(self.subwords[chosen].sum())

    def longest_first(self, chosen: Indices, *, padded: bool, generator: np.random.Generator | None = None) -> Indices:
        """Sort sentences from most to least expensive, equal ones as they are or in random order."""
        keys = (self.subwords, self.rows, self.longest) if padded else (self.subwords,)
        ties = np.arange(len(chosen)) if generator is None else generator.random(len(chosen))
        return chosen[np.lexsort((ties, *(-key[chosen] for key in keys)))]


def cut_batches(order: Indices, costs: Costs, *, budget: int | None, limit: int | None, padded: bool) -> list[Indices]:
    """Cut sentences, sorted longest first, into batches within a budget.

    Args:
        order: the sentences.
        costs: of all sentences.
        budget: most subwords of a batch; None: any number. A sentence beyond it is a batch of its own.
        limit: most sentences of a batch; None: any number.
        padded: whether a batch costs rows times the longest, or the sum of all rows.

    >>> costs = Costs.of_lengths([9, 4, 4, 2, 1])
    >>> [batch.tolist() for batch in cut_batches(np.arange(5), costs, budget=8, limit=None, padded=True)]
    [[0], [1, 2], [3, 4]]
    """
    ends = np.cumsum((costs.rows if padded else costs.subwords)[order])
    batches, start = [], 0
    while start < len(order):
        end = len(order) if limit is None else min(start + limit, len(order))
        if budget is not None:
            room = budget // costs.longest[order[start]] if padded else budget
            before = ends[start - 1] if start else 0
            end = min(end, max(int(np.searchsorted(ends, before + room, side="right")), start + 1))
        batches.append(order[start:end])
        start = end
    return batches


def group_steps(batches: list[Indices], world: int) -> list[list[Indices]]:
    """Group neighbouring batches into steps, one batch for each process.

    If their number is not divisible, the largest are halved; a process that is left without any gets an empty one.

    >>> batches = [np.array([0, 1]), np.array([2, 3, 4, 5]), np.array([6])]
    >>> [[batch.tolist() for batch in step] for step in group_steps(batches, 2)]
    [[[0, 1], [2, 3]], [[4, 5], [6]]]
    """
    batches = list(batches)
    for _ in range(-len(batches) % world):
        largest = max(range(len(batches)), key=lambda number: len(batches[number]))
        whole = batches[largest]
        if len(whole) > 1:
            middle = len(whole) // 2
            batches[largest : largest + 1] = [whole[:middle], whole[middle:]]
        else:
            batches.append(whole[:0])
    return [batches[start : start + world] for start in range(0, len(batches), world)]


def spread_over_bins(costs: Sequence[int], bins: int) -> Indices:
    """Assign each item, from the most expensive on, to the bin that holds least.

    The largest bin then exceeds the mean by little more than the cost of the cheapest items.

    R. L. Graham. Bounds on multiprocessing timing anomalies. SIAM Journal on Applied Mathematics 17, 1969.

    >>> spread_over_bins([5, 4, 3, 3], 2).tolist()
    [0, 1, 1, 0]
    """
    chosen = np.empty(len(costs), np.int64)
    heap = [(0, number) for number in range(bins)]
    for position, cost in enumerate(costs):
        load, number = heap[0]
        chosen[position] = number
        heapreplace(heap, (load + cost, number))
    return chosen


def mix_steps(order: Indices, costs: Costs, *, steps: int, world: int, budget: int) -> list[list[Indices]] | None:
    """Spread sentences over steps, and each step over the processes, so that all have about equally many subwords.

    Long and short sentences are mixed: every batch is a small picture of the corpus.

    Args:
        order: the sentences, longest first.
        costs: of all sentences.
        steps: number of steps.
        world: number of processes.
        budget: most subwords of a step on one process.

    Returns:
        For each step the sentences of each process; None if one of them would exceed the budget.
    """
    mixed: list[list[Indices]] = []
    for step in _grouped(order, costs, steps):
        shares = _grouped(step, costs, world)
        if max(costs.of_batch(share, padded=False) for share in shares) > budget:
            return None
        mixed.append(shares)
    return mixed


def _grouped(order: Indices, costs: Costs, bins: int) -> list[Indices]:
    if bins == 1:
        return [order]
    chosen = spread_over_bins(costs.subwords[order].tolist(), bins)
    return np.split(order[np.argsort(chosen, kind="stable")], np.cumsum(np.bincount(chosen, minlength=bins))[:-1])
