"""Batches of several corpora, with sentences of some drawn more or less often than once per epoch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ner_lightning.data.batches.samplers import TrainingSampler
from ner_lightning.data.batches.token_budget import Costs, Indices
from ner_lightning.data.corpus.pieces import Weighted


class _Extra(NamedTuple):
    """Sentences in order of length, and how many of them are drawn."""

    by_length: Indices
    often: int

    def drawn(self, generator: np.random.Generator) -> Indices:
        """Draw once: each sentence with the same probability, often / sentences, and none twice."""
        shuffled = np.lexsort((generator.random(len(self.by_length)), self._blocks))
        return self.by_length[shuffled[self._places(float(generator.random()))]]

    @property
    def shortest(self) -> Indices:
        """Return sentences at most as long, one by one, as those of any draw; some may occur twice."""
        return self.by_length[self._blocks[self._places(0.0)] * self._block]

    @property
    def longest(self) -> Indices:
        """Return sentences at least as long, one by one, as those of any draw."""
        ends = (self._blocks[self._places(np.nextafter(1.0, 0.0))] + 1) * self._block - 1
        return self.by_length[np.minimum(ends, len(self.by_length) - 1)]

    @property
    def _block(self) -> int:
        """The number of neighbours in length that are shuffled: few enough to be alike, of which eight are drawn."""
        return 8 * -(-len(self.by_length) // max(self.often, 1))

    @property
    def _blocks(self) -> Indices:
        return np.arange(len(self.by_length)) // max(self._block, 1)

    def _places(self, start: float) -> Indices:
        """Return places at equal distances from a start in [0, 1), in distances."""
        distance = len(self.by_length) / max(self.often, 1)
        places = np.floor((np.arange(self.often) + start) * distance).astype(np.int64)
        return np.minimum(places, len(self.by_length) - 1)


class WeightedSampler(TrainingSampler):
    """Draws batches of an epoch in which sentences occur as often as their weight says.

    A weight of 2.5 draws each sentence twice and every other one once more. Which ones are drawn once more is chosen
    anew in each epoch, by systematic sampling: the sentences are sorted by length, neighbours shuffled, and drawn at
    equal distances from a random start. So all are equally likely, whatever their length. Epochs differ little in
    length, and all have the same number of steps, enough for the longest draw: if an epoch needs fewer, some of its
    steps are halved. Everything else is as in `TrainingSampler`.

    W. G. Madow, L. H. Madow. On the theory of systematic sampling. Annals of Mathematical Statistics 15, 1944.

    Args:
        costs: as in `TrainingSampler`.
        batch_size: as in `TrainingSampler`.
        parts: which sentences are drawn how often; together all sentences.
        options: as in `TrainingSampler`.
    """

    # Number of draws tried before an epoch takes the shortest; none of 2,400 epochs had to.
    TRIES = 20

    def __init__(self, costs: Costs, batch_size: int, *, parts: Sequence[Weighted], **options: Any) -> None:
        super().__init__(costs, batch_size, **options)
        self.parts, self._options = [Weighted(*part) for part in parts], options

    @property
    def order(self) -> dict[str, Any]:
        """Return all that decides the order."""
        return {**super().order, "weights": [list(part) for part in self.parts], "drawn": "systematically"}

    @property
    def sentences_per_batch(self) -> float:
        """Sentences of a batch on one rank: `batch_size`, or their mean in the whole of an epoch."""
        if self.grouping != "token_budget":
            return self.batch_size
        return (len(self._always) + len(self._shortest_draws)) / (len(self) * self.world)

    def __len__(self) -> int:
        """Count the steps of an epoch, equal on every rank and in every epoch."""
        return self._most_steps

    def _steps(self) -> list[list[Indices]]:
        generator = np.random.default_rng((self.seed, self.epoch, 1))
        for _ in range(self.TRIES):
            steps = self._steps_of(np.concatenate([extra.drawn(generator) for extra in self._extras]))
            if len(steps) <= self._most_steps:
                break
        else:  # shorter sentences may fill a budget worse
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
        """Make a sampler of what an epoch draws, and map its sentences to those of the corpus."""
        drawn = np.concatenate([self._always, draws])
        costs = Costs(*(column[drawn] for column in self.costs))
        return TrainingSampler(costs, self.batch_size, **self._options), drawn

    @cached_property
    def _always(self) -> Indices:
        """The sentences of every epoch, as often as they occur in it."""
        return np.concatenate([np.repeat(np.arange(first, last), int(weight)) for first, last, weight in self.parts])

    @cached_property
    def _extras(self) -> list[_Extra]:
        """The sentences of each part, some of which are drawn once more."""
        found = [_Extra(np.empty(0, np.int64), 0)]
        for first, last, weight in self.parts:
            often = round((weight % 1) * (last - first)) or int(weight < 1)
            by_length = first + np.argsort(self.costs.subwords[first:last], kind="stable")
            found += [_Extra(by_length, often)] if often else []
        return found

    @cached_property
    def _shortest_draws(self) -> Indices:
        return np.concatenate([extra.shortest for extra in self._extras])

    @cached_property
    def _most_steps(self) -> int:
        longest = np.concatenate([extra.longest for extra in self._extras])
        short, long = self._plain_sampler(self._shortest_draws)[0], self._plain_sampler(longest)[0]
        if self.grouping == "token_budget":
            return max(len(short), len(long))
        full = -(-len(short._short) // (self.batch_size * self.world))
        return full + long._count(long._long)


def _halved(step: list[Indices]) -> tuple[list[Indices], list[Indices]]:
    """Halve a step: half of every share, or half of the shares if they are single sentences.

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
