"""Runs of two systems whose true difference is known, for tests of tests.

An entity is found with a probability that depends on its sentence (hard for everybody), on system and sentence (what
one system is better at), on the seed of the run, and on chance. False alarms come by chance. Both systems are drawn
from the same distributions, so that with `shift=0` neither is better over all sentences and seeds there could be,
although each is better at some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

ENTITIES = 1.5  # of a sentence, on average
HARD = 1.5  # logit of finding one, on average; its standard deviation over sentences is 1
WRONG = 0.6  # share of those that are missed for which something wrong is found
FALSE_ALARMS = 0.1  # of a sentence, beyond these


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
        wild: how many times as much as to others a seed does to the first of many systems.
    """

    runs: int = 5
    sentences: int = 300
    by_sentence: float = 0.5
    by_seed: float = 0.0
    shared_seed: float = 0.0
    per_document: int = 1
    shift: float = 0.0
    wild: float = 1.0

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts `[runs, sentences, 3]` of both systems on a new test set with new seeds."""
        gold, hard, common = self._test_set(rng)
        first, second = (self._systems(rng, gold, hard[None] + shift, common)[0] for shift in (self.shift, 0.0))
        return first, second

    def draw_many(self, systems: int, rng: np.random.Generator, shifts: Sequence[float] = ()) -> NDArray[np.int64]:
        """Counts `[systems, runs, sentences, 3]` of many systems, the first of them shifted by `shifts`."""
        gold, hard, common = self._test_set(rng)
        moved = np.array([*shifts, *[0.0] * (systems - len(shifts))])
        spread = np.array([self.wild, *[1.0] * (systems - 1)])
        return self._systems(rng, gold, hard + moved[:, None], common, spread)

    def _test_set(self, rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
        """Gold entities of each sentence, how hard it is, and what seeds do to all systems alike."""
        gold, hard = rng.poisson(ENTITIES, self.sentences), rng.normal(HARD, 1.0, self.sentences)
        return gold, hard, rng.normal(0.0, self.by_seed * self.shared_seed**0.5, self.runs)

    def _systems(
        self, rng: np.random.Generator, gold: NDArray, logit: NDArray, common: NDArray, spread: float | NDArray = 1.0
    ) -> NDArray[np.int64]:
        systems, documents = len(logit), -(-self.sentences // self.per_document)
        taste = rng.normal(0.0, self.by_sentence, (systems, documents)).repeat(self.per_document, axis=1)
        own = rng.normal(0.0, self.by_seed * (1 - self.shared_seed) ** 0.5, (systems, self.runs))
        luck = common + own * np.reshape(spread, (-1, 1))
        liked = logit + taste[:, : self.sentences]
        right = 1 / (1 + np.exp(-(liked[:, None] + luck[..., None])))
        hits = rng.binomial(gold, right)
        predicted = hits + rng.binomial(gold - hits, WRONG) + rng.poisson(FALSE_ALARMS, hits.shape)
        return np.stack([hits, predicted, np.broadcast_to(gold, hits.shape)], axis=-1)

    @property
    def documents(self) -> list[int] | None:
        """Of each sentence; None where each stands for itself."""
        return [i // self.per_document for i in range(self.sentences)] if self.per_document > 1 else None

    def true_difference(self) -> float:
        """Expected F1 of the first minus that of the second, over all sentences and seeds there could be."""
        return self._expected_f1(self.shift) - self._expected_f1(0.0)

    def true_mean(self) -> float:
        """Expected F1 of a system that is not shifted."""
        return self._expected_f1(0.0)

    def _expected_f1(self, shift: float) -> float:
        """F1 of a test set without end, mean over seeds; that of 300 sentences is lower by less than 0.1 points."""
        nodes, weights = hermegauss(40)
        weights = weights / weights.sum()
        sentences = HARD + shift + nodes * (1 + self.by_sentence**2) ** 0.5
        found = 1 / (1 + np.exp(-(sentences + self.by_seed * nodes[:, None]))) @ weights
        predicted = found + WRONG * (1 - found) + FALSE_ALARMS / ENTITIES
        return float(weights @ (2 * found / (1 + predicted)))
