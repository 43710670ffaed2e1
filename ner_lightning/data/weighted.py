"""Batches of several corpora, sentences of some drawn more or less often than once an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ner_lightning.data.samplers import TrainingSampler
from ner_lightning.data.token_budget import Costs, Indices


class Weighted(NamedTuple):
    """Sentences `first` up to `last`, each to be drawn so often in an epoch; 0.5: another half of them each epoch."""

    first: int
    last: int
    weight: float


class WeightedSampler(TrainingSampler):
    """Batches of an epoch in which sentences stand as often as their weight says.

    A weight of 2.5 draws each sentence twice and every other one once more. Who is drawn once more is chosen anew in
    each epoch: the sentences are sorted by length and cut into as many groups as are to be drawn, and one of each group
    is. Epochs hence differ little in length, and all have as many steps, enough for the longest draw: where an epoch
    could do with fewer, some of its steps are halved. All that holds for `TrainingSampler` holds here.

    Args:
        costs: as of `TrainingSampler`.
        batch_size: likewise.
        parts: what is drawn how often, all sentences in all.
        options: as of `TrainingSampler`.
    """

    def __init__(self, costs: Costs, batch_size: int, *, parts: Sequence[Weighted], **options: Any) -> None:
        super().__init__(costs, batch_size, **options)
        self.parts, self._options = [Weighted(*part) for part in parts], options

    @property
    def order(self) -> dict[str, Any]:
        """All that decides the order."""
        return {**super().order, "weights": [list(part) for part in self.parts]}

    @property
    def sentences_per_batch(self) -> float:
        """Sentences of a batch on one rank: `batch_size`, or their mean in the whole of an epoch."""
        if self.grouping != "token_budget":
            return self.batch_size
        return (len(self._always) + len(self._groups)) / (len(self) * self.world)

    def __len__(self) -> int:
        """Steps of an epoch, equal on every rank and in every epoch."""
        return self._most_steps

    def _steps(self) -> list[list[Indices]]:
        generator = np.random.default_rng((self.seed, self.epoch, 1))
        draws = np.array([group[int(generator.integers(len(group)))] for group in self._groups], np.int64)
        steps = self._steps_of(draws)
        if len(steps) > self._most_steps:  # batches that fill a budget may come out worse for shorter sentences
            steps = self._steps_of(self._shortest_draws)
        while len(steps) < self._most_steps:
            largest = max(range(len(steps)), key=lambda number: sum(map(len, steps[number])))
            halves = _halved(steps[largest])
            steps[largest] = halves[0]
            steps.append(halves[1])
        return steps

    def _steps_of(self, draws: Indices) -> list[list[Indices]]:
        sampler, drawn = self._plain_sampler(draws)
        sampler.set_epoch(self.epoch)
        return [[drawn[share] for share in step] for step in sampler._steps()]

    def _plain_sampler(self, draws: Indices) -> tuple[TrainingSampler, Indices]:
        """A sampler of what an epoch draws, and which sentence each of its own is."""
        drawn = np.concatenate([self._always, draws])
        costs = Costs(*(column[drawn] for column in self.costs))
        return TrainingSampler(costs, self.batch_size, **self._options), drawn

    @cached_property
    def _always(self) -> Indices:
        """Sentences that every epoch has, as often as it has them."""
        return np.concatenate([np.repeat(np.arange(first, last), int(weight)) for first, last, weight in self.parts])

    @cached_property
    def _groups(self) -> list[Indices]:
        """Sentences of about one length, of which one more is drawn."""
        found: list[Indices] = []
        for first, last, weight in self.parts:
            often = round((weight % 1) * (last - first)) or int(weight < 1)
            by_length = first + np.argsort(self.costs.subwords[first:last], kind="stable")
            found += np.array_split(by_length, often) if often else []
        return found

    @cached_property
    def _shortest_draws(self) -> Indices:
        return np.array([group[0] for group in self._groups], np.int64)

    @cached_property
    def _most_steps(self) -> int:
        longest = np.array([group[-1] for group in self._groups], np.int64)
        short, long = self._plain_sampler(self._shortest_draws)[0], self._plain_sampler(longest)[0]
        if self.grouping == "token_budget":
            return max(len(short), len(long))
        full = -(-len(short._short) // (self.batch_size * self.world))
        return full + long._count(long._long)


def _halved(step: list[Indices]) -> tuple[list[Indices], list[Indices]]:
    """Two steps of one: half of every share, or half of the shares where they are single sentences.

    >>> one, other = _halved([np.array([1, 2, 3]), np.array([4])])
    >>> [share.tolist() for share in one], [share.tolist() for share in other]
    ([[1, 2], [4]], [[3], []])
    """
    if max(map(len, step)) > 1:
        middles = [-(-len(share) // 2) for share in step]
        pairs = list(zip(step, middles, strict=True))
        return [share[:middle] for share, middle in pairs], [share[middle:] for share, middle in pairs]
    full = [number for number, share in enumerate(step) if len(share)]
    kept = set(full[: -(-len(full) // 2)])
    return (
        [share if number in kept else share[:0] for number, share in enumerate(step)],
        [share[:0] if number in kept else share for number, share in enumerate(step)],
    )
