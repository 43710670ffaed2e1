"""Which sentences make up which batch: seeded, the same on every rank, every sentence exactly once an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

Grouping = Literal["random", "length_bucket"]


class Draw(NamedTuple):
    """Sentences of one batch; the last `fillers` of them stand elsewhere too and weigh nothing here."""

    indices: tuple[int, ...]
    fillers: int = 0


class TrainingSampler:
    """Batches of an epoch in seeded random order.

    All ranks draw the same order and each takes its share of every step, so that they always agree on the number of
    steps. Where the last step has fewer sentences than ranks, the ranks left over get a sentence of weight 0.

    Args:
        lengths: subwords of each sentence.
        batch_size: sentences per rank and step.
        seed: of the order; the epoch is added to it.
        grouping: `random`, or `length_bucket`: sentences of similar length share a step.
        rank: this process.
        world: number of processes.
    """

    # Steps whose sentences are sorted together: enough for little padding, few enough to stay random.
    BUCKET_STEPS = 50

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        batch_size: int,
        *,
        seed: int,
        grouping: Grouping = "random",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self.lengths = np.asarray(lengths)
        self.batch_size, self.seed, self.grouping = batch_size, seed, grouping
        self.rank, self.world = rank, world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Steps of an epoch, equal on every rank."""
        return -(-len(self.lengths) // (self.batch_size * self.world))

    def __iter__(self) -> Iterator[Draw]:
        """This rank's batches of the current epoch."""
        generator = np.random.default_rng((self.seed, self.epoch))
        for step in self._steps(generator):
            share = step[self.rank :: self.world]
            yield Draw(tuple(share.tolist())) if len(share) else Draw((int(step[0]),), fillers=1)

    def _steps(self, generator: np.random.Generator) -> list[np.ndarray]:
        order = generator.permutation(len(self.lengths))
        size = self.batch_size * self.world
        if self.grouping == "length_bucket":
            span = size * self.BUCKET_STEPS
            pools = [order[start : start + span] for start in range(0, len(order), span)]
            order = np.concatenate([pool[np.argsort(self.lengths[pool], kind="stable")] for pool in pools])
        steps = [order[start : start + size] for start in range(0, len(order), size)]
        if self.grouping == "length_bucket":
            steps = [steps[i] for i in generator.permutation(len(steps))]
        return steps


class EvaluationSampler:
    """Every sentence once, longest first, so that a batch is even and the greatest need of memory comes at once.

    Ranks share the sentences and may have different numbers of batches: evaluation has no collective in a step. A
    rank without a sentence gets one of weight 0, since it must take part in the sums at the end.
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray, batch_size: int, *, rank: int = 0, world: int = 1) -> None:
        order = np.argsort(-np.asarray(lengths), kind="stable")
        share = order[rank::world]
        starts = range(0, len(share), batch_size)
        self.batches = [Draw(tuple(share[start : start + batch_size].tolist())) for start in starts]
        if not self.batches:
            self.batches = [Draw((int(order[0]),), fillers=1)]

    def __len__(self) -> int:
        """Batches of this rank."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Draw]:
        """This rank's batches."""
        return iter(self.batches)
