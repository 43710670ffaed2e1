"""Epochs of a stream: a fixed number of batches each, one after another, and where to continue after them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader

from ner_lightning.data.batches.collate import Batch
from ner_lightning.data.streaming.stream import Stream, StreamPosition, WorkerShare
from ner_lightning.errors import DataError


class StreamLoader:
    """A loader whose epoch is a number of steps, equal on every rank; the next epoch continues where it ended.

    Args:
        stream: of all consumers.
        steps: batches per epoch.
        rank: of this process.
        num_workers: processes that read; 0: this one.
        pin_memory: whether batches go through page-locked memory.
        given: number of batches handed out before this loader.
        places: where each consumer of this process continues; None: at the beginning.
    """

    def __init__(
        self,
        stream: Stream,
        steps: int,
        *,
        rank: int = 0,
        num_workers: int = 0,
        pin_memory: bool = False,
        given: int = 0,
        places: Sequence[StreamPosition] | None = None,
    ) -> None:
        self.steps, self.given = steps, given
        self.places = list(places or [StreamPosition()] * max(num_workers, 1))
        self._before = given, list(self.places)
        self._left = steps - given % steps  # of the epoch in which a run is resumed
        share = WorkerShare(stream, rank, len(self.places), self.places, given % len(self.places))
        # Its own generator: otherwise a loader takes the seed of its workers from the generator of dropout.
        options: dict[str, Any] = {"num_workers": num_workers, "pin_memory": pin_memory, "generator": torch.Generator()}
        self._loader = DataLoader(share, batch_size=None, **options)
        self._batches: Iterator[tuple[Batch, StreamPosition]] | None = None

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of the next epoch."""
        left, self._left = self._left, self.steps  # now: nobody asks for more than the last batch
        for _ in range(left):
            yield self._next()

    def _next(self) -> Batch:
        if self._batches is None:
            if self._loader.num_workers:  # a forked tokenizer that may use threads warns about a deadlock
                os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
            self._batches = iter(self._loader)
        try:
            batch, place = next(self._batches)
        except DataError as error:  # an error of a worker comes with its trace
            raise DataError(str(error).rstrip().rpartition("DataError: ")[2]) from None
        self._before = self.given, list(self.places)
        self.places[self.given % len(self.places)] = place
        self.given += 1
        return batch

    def state(self, in_flight: bool = False) -> dict[str, Any]:
        """Return where to continue, in plain containers.

        Args:
            in_flight: whether the last batch handed out was not trained on.
        """
        given, places = self._before if in_flight else (self.given, self.places)
        return {"given": given, "places": [list(place) for place in places]}

    def state_dict(self) -> dict[str, Any]:
        """Return nothing, as the data module keeps the state; it shows Lightning that a run can be resumed."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Do nothing, since `state_dict` returned nothing."""

    def close(self) -> None:
        """End the processes that read."""
        self._batches = None
