"""Choose the sentences of each batch: seeded, in agreement on all ranks, every sentence exactly once per epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from ner_lightning.data.batches.token_budget import Costs, Indices, cut_batches, group_steps, mix_steps

Grouping = Literal["random", "length_bucket", "token_budget"]


class Draw(NamedTuple):
    """Sentences of one batch; the last `fillers` of them are also elsewhere and have weight 0 here."""

    indices: tuple[int, ...]
    fillers: int = 0
    epoch: int = 0


class TrainingSampler:
    """Batches of an epoch in seeded random order.

    All ranks draw the same order and each takes its share of every step, so they always agree on the number of steps,
    which is the same in every epoch. If a step has fewer sentences than ranks, the remaining ranks get a sentence of
    weight 0.

    With `max_subwords` no batch costs more, except a single sentence. With the groupings `random` and `length_bucket`,
    sentences so long that `batch_size` of them would cost more are batched separately, as many as fit; the others as
    without it. `token_budget` fills `max_subwords` with any number of sentences: padded, of similar length; packed,
    long and short ones mixed, so that all batches are alike.

    Args:
        costs: of each sentence, or its subwords.
        batch_size: sentences per rank and step; ignored by `token_budget`.
        seed: of the order; the epoch is added to it.
        grouping: `random`, `length_bucket` (sentences of similar length share a step) or `token_budget`.
        max_subwords: most subwords of a batch of one rank; None: any number.
        padded: whether a batch costs rows times the longest, or the sum of its rows.
        rank: this process.
        world: number of processes.
    """

    # Steps whose sentences are sorted together: enough for little padding, few enough to stay random.
    BUCKET_STEPS = 50
    # Largest share by which a sentence counts as longer, so that neighbours in length are not always apart.
    JITTER = 0.25

    def __init__(
        self,
        costs: Costs | Sequence[int] | np.ndarray,
        batch_size: int,
        *,
        seed: int,
        grouping: Grouping = "random",
        max_subwords: int | None = None,
        padded: bool = True,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        if grouping == "token_budget" and max_subwords is None:
            raise ValueError("grouping=token_budget needs max_subwords")
        self.costs = costs if isinstance(costs, Costs) else Costs.of_lengths(costs)
        self.batch_size, self.seed, self.grouping = batch_size, seed, grouping
        self.max_subwords, self.padded = max_subwords, padded
        self.rank, self.world = rank, world
        self.epoch = 0
        self._resumed = (-1, 0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is drawn; Lightning calls this."""
        self.epoch = epoch

    def resume(self, epoch: int, batches: int) -> None:
        """Skip the first batches of an epoch, which have been trained on."""
        self._resumed = (epoch, batches)

    @property
    def order(self) -> dict[str, Any]:
        """Return all that decides the order, in plain containers; it must be equal to resume within an epoch."""
        count = len(self.costs.rows)
        bounds = {"batch_size": self.batch_size, "max_subwords": self.max_subwords, "padded": self.padded}
        return {"sentences": count, "seed": self.seed, "grouping": self.grouping, **bounds, "world": self.world}

    @property
    def sentences_per_batch(self) -> float:
        """Sentences of a batch on one rank: `batch_size`, or their mean in the whole of an epoch."""
        if self.grouping != "token_budget":
            return self.batch_size
        return len(self.costs.rows) / (len(self) * self.world)

    def __len__(self) -> int:
        """Count the steps of an epoch, equal on every rank and in every epoch."""
        if self.grouping == "token_budget":
            return len(self._giants) + self._mixed_steps if not self.padded else self._count(self._all)
        return -(-len(self._short) // (self.batch_size * self.world)) + self._count(self._long)

    def __iter__(self) -> Iterator[Draw]:
        """Yield this rank's batches of the current epoch."""
        epoch, done = self._resumed
        for step in self._steps()[done if epoch == self.epoch else 0 :]:
            share = step[self.rank]
            indices = tuple(share.tolist()) or (self._shortest,)
            yield Draw(indices, 0 if len(share) else 1, self.epoch)

    def _steps(self) -> list[list[Indices]]:
        """Draw the sentences of every rank, step by step."""
        generator = np.random.default_rng((self.seed, self.epoch))
        if self.grouping != "token_budget":
            steps = self._plain(generator)
            if not len(self._long):
                return steps
            steps += self._sorted(self._long, generator)
        elif self.padded:
            steps = self._sorted(self._all, generator)
        else:
            steps = self._mixed(generator)
        return [steps[i] for i in generator.permutation(len(steps))]

    def _plain(self, generator: np.random.Generator) -> list[list[Indices]]:
        """Make steps of `batch_size` sentences per rank."""
        order = generator.permutation(self._short)
        size = self.batch_size * self.world
        if self.grouping == "length_bucket":
            span = size * self.BUCKET_STEPS
            pools = [order[start : start + span] for start in range(0, len(order), span)]
            sorted_pools = [pool[np.argsort(self.costs.subwords[pool], kind="stable")] for pool in pools]
            order = np.concatenate(sorted_pools) if pools else order
        steps = [order[start : start + size] for start in range(0, len(order), size)]
        if self.grouping == "length_bucket":
            steps = [steps[i] for i in generator.permutation(len(steps))]
        return [[step[rank :: self.world] for rank in range(self.world)] for step in steps]

    def _sorted(self, chosen: Indices, generator: np.random.Generator) -> list[list[Indices]]:
        """Make steps of sentences of similar length, as many as fit the budget."""
        order = self.costs.longest_first(chosen, padded=self.padded, generator=generator)
        limit = None if self.grouping == "token_budget" else self.batch_size
        batches = cut_batches(order, self.costs, budget=self.max_subwords, limit=limit, padded=self.padded)
        return group_steps(batches, self.world)

    def _mixed(self, generator: np.random.Generator) -> list[list[Indices]]:
        """Make steps of long and short sentences that fill the budget; longer ones are by themselves."""
        chosen, steps = self._within, self._mixed_steps
        stretched = self.costs.subwords[chosen] * (1 + self.JITTER * generator.random(len(chosen)))
        exact = self.costs.longest_first(chosen, padded=False, generator=generator)
        for order in (chosen[np.argsort(-stretched)], exact):  # the second fits: the steps were counted with it
            fitting = mix_steps(order, self.costs, steps=steps, world=self.world, budget=self._budget) if steps else []
            if fitting is not None:
                break
        assert fitting is not None
        return [*self._giants, *fitting]

    @cached_property
    def _mixed_steps(self) -> int:
        """The smallest number of steps that the sentences fit into; ties in length do not matter."""
        if not len(self._within):
            return 0
        order = self.costs.longest_first(self._within, padded=False)
        room = self._budget * self.world
        steps = -(-int(self.costs.subwords[order].sum()) // room)
        while mix_steps(order, self.costs, steps=steps, world=self.world, budget=self._budget) is None:
            steps += max(1, steps // 100)
        return steps

    def _count(self, chosen: Indices) -> int:
        return len(self._sorted(chosen, np.random.default_rng(0))) if len(chosen) else 0

    @property
    def _budget(self) -> int:
        assert self.max_subwords is not None
        return self.max_subwords

    @cached_property
    def _all(self) -> Indices:
        return np.arange(len(self.costs.rows))

    @cached_property
    def _expensive(self) -> np.ndarray:
        """The sentences of which `batch_size` equal ones would exceed the budget."""
        if self.max_subwords is None:
            return np.zeros(len(self.costs.rows), bool)
        alone = self.costs.rows * self.costs.longest if self.padded else self.costs.subwords
        return alone * self.batch_size > self.max_subwords

    @cached_property
    def _long(self) -> Indices:
        return np.flatnonzero(self._expensive)

    @cached_property
    def _short(self) -> Indices:
        return np.flatnonzero(~self._expensive)

    @cached_property
    def _within(self) -> Indices:
        return np.flatnonzero(self.costs.subwords <= self._budget)

    @cached_property
    def _giants(self) -> list[list[Indices]]:
        alone = np.flatnonzero(self.costs.subwords > self._budget)
        return group_steps([alone[i : i + 1] for i in range(len(alone))], self.world)

    @cached_property
    def _shortest(self) -> int:
        return int(self.costs.subwords.argmin())


class EvaluationSampler:
    """Draws every sentence once, longest first, so batches are even and the greatest need of memory comes first.

    Ranks share the sentences and have the same number of batches, since with sharded parameters a step needs all ranks:
    a rank that has run out of sentences gets one of weight 0.

    Args:
        costs: of each sentence, or its subwords.
        batch_size: sentences per batch.
        max_subwords: most subwords of a batch, unless it is a single sentence; None: any number.
        padded: whether a batch costs rows times the longest, or the sum of its rows.
        rank: this process.
        world: number of processes.
    """

    def __init__(
        self,
        costs: Costs | Sequence[int] | np.ndarray,
        batch_size: int,
        *,
        max_subwords: int | None = None,
        padded: bool = True,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        costs = costs if isinstance(costs, Costs) else Costs.of_lengths(costs)
        order = costs.longest_first(np.arange(len(costs.rows)), padded=padded)
        shares = [
            cut_batches(order[each::world], costs, budget=max_subwords, limit=batch_size, padded=padded)
            for each in range(world)
        ]
        self.batches = [Draw(tuple(batch.tolist())) for batch in shares[rank]]
        missing = max(len(share) for share in shares) - len(self.batches)
        self.batches += [Draw((int(order[-1]),), fillers=1)] * missing

    def __len__(self) -> int:
        """Count the batches of this rank."""
        return len(self.batches)

    def __iter__(self) -> Iterator[Draw]:
        """Yield this rank's batches."""
        return iter(self.batches)
