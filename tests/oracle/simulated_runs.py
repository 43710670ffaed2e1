"""Runs of two systems whose true difference is known, for tests of tests.

An entity is found with a probability that depends on its sentence (hard for everybody), on system and sentence (what
one system is better at), on the seed of the run, and on chance. False alarms come by chance. Both systems are drawn
from the same distributions, so that with `shift=0` neither is better over all sentences and seeds there could be,
although each is better at some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class World:
    """Standard deviations are on the scale of the logit.

    Attributes:
        runs: of each system.
        sentences: in a test set.
        by_sentence: of what a system is better at, sentence by sentence.
        by_seed: of the runs of a system.
        shared_seed: share of the variance by seed that run k of both systems has in common.
        per_document: sentences of a document, alike in what systems are better at.
        shift: of the first system.
    """

    runs: int = 5
    sentences: int = 300
    by_sentence: float = 0.5
    by_seed: float = 0.0
    shared_seed: float = 0.0
    per_document: int = 1
    shift: float = 0.0

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts `[runs, sentences, 3]` of both systems on a new test set with new seeds."""
        gold, hard, common = self._test_set(rng)
        first, second = (self._systems(rng, gold, hard[None] + shift, common)[0] for shift in (self.shift, 0.0))
        return first, second

    def draw_many(self, systems: int, rng: np.random.Generator, shifts: Sequence[float] = ()) -> NDArray[np.int64]:
        """Counts `[systems, runs, sentences, 3]` of many systems, the first of them shifted by `shifts`."""
        gold, hard, common = self._test_set(rng)
        moved = np.array([*shifts, *[0.0] * (systems - len(shifts))])
        return self._systems(rng, gold, hard + moved[:, None], common)

    def _test_set(self, rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
        """Gold entities of each sentence, how hard it is, and what seeds do to all systems alike."""
        gold, hard = rng.poisson(1.5, self.sentences), rng.normal(1.5, 1.0, self.sentences)
        return gold, hard, rng.normal(0.0, self.by_seed * self.shared_seed**0.5, self.runs)

    def _systems(self, rng: np.random.Generator, gold: NDArray, logit: NDArray, common: NDArray) -> NDArray[np.int64]:
        systems, documents = len(logit), -(-self.sentences // self.per_document)
        taste = rng.normal(0.0, self.by_sentence, (systems, documents)).repeat(self.per_document, axis=1)
        luck = common + rng.normal(0.0, self.by_seed * (1 - self.shared_seed) ** 0.5, (systems, self.runs))
        liked = logit + taste[:, : self.sentences]
        right = 1 / (1 + np.exp(-(liked[:, None] + luck[..., None])))
        hits = rng.binomial(gold, right)
        predicted = hits + rng.binomial(gold - hits, 0.6) + rng.poisson(0.1, hits.shape)
        return np.stack([hits, predicted, np.broadcast_to(gold, hits.shape)], axis=-1)

    @property
    def documents(self) -> list[int] | None:
        """Of each sentence; None where each stands for itself."""
        return [i // self.per_document for i in range(self.sentences)] if self.per_document > 1 else None

    def true_difference(self, draws: int = 2_000, seed: int = 99) -> float:
        """Expected mean F1 of the first minus that of the second, over test sets and seeds of this world.

        F1 of a finite test set is biased by far less than the intervals are wide; so is the mean of `draws` uncertain.
        """
        if not self.shift:
            return 0.0
        rng = np.random.default_rng(seed)
        differences = []
        for _ in range(draws):
            a, b = (2 * s[..., 0].sum(1) / s[..., 1:].sum((1, 2)) for s in self.draw(rng))
            differences.append(a.mean() - b.mean())
        return float(np.mean(differences))

    def true_mean(self, draws: int = 2_000, seed: int = 98) -> float:
        """Expected mean F1 of a system that is not shifted."""
        rng = np.random.default_rng(seed)
        unshifted = replace(self, shift=0.0)
        runs = (unshifted.draw(rng)[0] for _ in range(draws))
        return float(np.mean([2 * run[..., 0].sum() / run[..., 1:].sum() for run in runs]))
