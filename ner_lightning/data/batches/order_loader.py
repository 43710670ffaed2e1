"""A DataLoader that does not disturb the order of anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from ner_lightning.data.batches.collate import Batch, Collator
from ner_lightning.data.batches.samplers import Draw, EvaluationSampler, TrainingSampler


class _Batches(Dataset[Batch]):
    """A corpus indexed by whole batches: the sampler draws sentences, the collator makes the batch."""

    def __init__(self, collator: Collator) -> None:
        self.collator = collator

    def __getitem__(self, draw: Draw) -> Batch:
        return self.collator(*draw)


class OrderLoader(DataLoader[Batch]):
    """A loader that draws nothing before the first batch is needed, and no number from torch's generator.

    Lightning asks for an iterator before it has restored a checkpoint and told the sampler its epoch; workers would
    begin with the batches of another epoch. And a plain loader takes the seed of its workers from the generator of
    dropout, so a run that makes one more iterator, as a resumed one does, would not be the same.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        yield from super().__iter__()


def order_loader(
    collator: Collator, sampler: TrainingSampler | EvaluationSampler, *, num_workers: int, pin_memory: bool
) -> OrderLoader:
    """Make a loader of a sampler's batches."""
    return OrderLoader(
        _Batches(collator),
        sampler=sampler,
        batch_size=None,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        pin_memory=pin_memory,
        generator=torch.Generator(),
    )
