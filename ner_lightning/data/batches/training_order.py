"""Batches of a training split that is held as a whole, and where they continue within an epoch."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from ner_lightning.data.batches.bigrams import TagCounts, count_tags
from ner_lightning.data.batches.collate import Collator
from ner_lightning.data.batches.order_loader import OrderLoader, order_loader
from ner_lightning.data.batches.samplers import Grouping, TrainingSampler
from ner_lightning.data.batches.weighted import WeightedSampler
from ner_lightning.data.corpus.pieces import Weighted
from ner_lightning.errors import DataError


class EpochProgress(NamedTuple):
    """The progress of an epoch.

    Attributes:
        epoch: its number.
        ready: number of batches handed out.
        processed: number of batches trained on.
        ended: whether that was the last one.
    """

    epoch: int
    ready: int
    processed: int
    ended: bool


class TrainingOrder:
    """Draws the batches of a corpus.

    Args:
        collator: lays out its sentences.
        batch_size: as in `TrainingSampler`, like the rest.
        seed: see there.
        grouping: see there.
        max_subwords: see there.
        weighted: how often sentences are drawn per epoch; None: once.
    """

    def __init__(
        self,
        collator: Collator,
        batch_size: int,
        *,
        seed: int,
        grouping: Grouping,
        max_subwords: int | None,
        weighted: Sequence[Weighted] | None = None,
    ) -> None:
        self._collator = collator
        self._draw = functools.partial(
            TrainingSampler if weighted is None else functools.partial(WeightedSampler, parts=weighted),
            collator.costs(),
            batch_size,
            seed=seed,
            grouping=grouping,
            max_subwords=max_subwords,
            padded=collator.layout == "padded",
        )
        self._sampler: TrainingSampler | None = None
        self._resumed: dict[str, Any] | None = None

    def sampler(self, rank: int, world: int) -> TrainingSampler:
        """Return the sampler of a rank; made once, since counting the batches of a budget takes seconds."""
        if self._sampler is None or (self._sampler.rank, self._sampler.world) != (rank, world):
            self._sampler = self._draw(rank=rank, world=world)
            self._go_on()
        return self._sampler

    def tag_counts(self, n_tags: int) -> TagCounts:
        """Count first tags, tag bigrams and last tags of the fully annotated sentences."""
        return count_tags(self._collator.corpus, n_tags)

    def sentences_per_batch(self, rank: int, world: int) -> float:
        """Return the average number of sentences of a batch on one rank."""
        return self.sampler(rank, world).sentences_per_batch

    def loader(self, rank: int, world: int, *, num_workers: int, pin_memory: bool) -> OrderLoader:
        """Make the loader of a rank's batches."""
        sampler = self.sampler(rank, world)
        return order_loader(self._collator, sampler, num_workers=num_workers, pin_memory=pin_memory)

    def state(self, progress: EpochProgress) -> dict[str, Any]:
        """Return what a checkpoint keeps within an epoch; empty before there are any batches."""
        if self._sampler is None or progress.ended:
            return {}
        place = {"epoch": progress.epoch, "batches": progress.ready}
        return {"place": place, "order": self._drawn_with(self._sampler)}

    def resume(self, state: dict[str, Any]) -> None:
        """Continue where a checkpoint was written.

        Raises:
            DataError: its batches were drawn with other settings.
        """
        self._resumed = state
        self._go_on()

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _drawn_with(self, sampler: TrainingSampler) -> dict[str, Any]:
        """Return all that decides the batches, in plain containers."""
        augmenter, context = self._collator.augmenter, self._collator.context
        return (
            sampler.order
            | ({} if augmenter is None else {"augment": asdict(augmenter.options)})
            | ({} if context is None else {"context": context.size})
        )

    def _go_on(self) -> None:
        """Apply the state to the sampler; with sharded parameters the loader exists before the checkpoint is read."""
        if self._sampler is None or not self._resumed:
            return
        before, now = self._resumed["order"], self._drawn_with(self._sampler)
        different = [name for name in {**now, **before} if before.get(name) != now.get(name)]
        if changed := [f"{name} {before.get(name)}, not {now.get(name)}" for name in different]:
            raise DataError(
                "the checkpoint was written in the middle of an epoch, whose batches were drawn with "
                f"{'; '.join(changed)}: resume with the settings of its run"
            )
        self._sampler.resume(**self._resumed["place"])
