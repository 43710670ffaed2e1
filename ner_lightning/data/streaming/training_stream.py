"""Batches of a streamed training split, and where they continue within a pass."""

from __future__ import annotations

import functools
from functools import cached_property
from typing import Any

import torch.distributed as dist

from ner_lightning.data.augment.augmented import subword_growth, with_augmentation
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.batches.bigrams import TagCounts, count_tags
from ner_lightning.data.batches.collate import Collator, Layout
from ner_lightning.data.batches.training_order import EpochProgress
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder
from ner_lightning.data.corpus.sentence_store import CHUNK
from ner_lightning.data.streaming.shards import ShardPlan
from ner_lightning.data.streaming.stream import BlockDraws, Stream, StreamPosition, encode_block
from ner_lightning.data.streaming.stream_loader import StreamLoader
from ner_lightning.data.streaming.streamed_files import StreamedFiles
from ner_lightning.errors import DataError
from ner_lightning.storage.fingerprint import digest
from ner_lightning.tagging.tagset import TagSet


class TrainingStream:
    """Draws the batches of a stream, as `TrainingOrder` does those of a corpus that is held.

    An epoch that is one pass ends with the pass if batches can be counted beforehand; if a budget decides their numbers
    of sentences, it is about as long.

    Args:
        files: the shards, counted if `epoch_steps` is None.
        words: the encoder's view of words.
        tags: every type that occurs.
        types: the types that the training data may have.
        draws: batches of a block.
        buffer: sentences that are shuffled together.
        epoch_steps: batches per epoch on each rank; None: as many as one pass takes.
        augment: how the sentences vary.
        seed: of every order.
        layout: of batches, as in `Stream`.
        overlap: as in `Stream`.
    """

    def __init__(
        self,
        files: StreamedFiles,
        words: WordEncoder,
        tags: TagSet,
        types: tuple[str, ...],
        draws: BlockDraws,
        *,
        buffer: int,
        epoch_steps: int | None,
        augment: Augmentation,
        seed: int,
        layout: Layout,
        overlap: int,
    ) -> None:
        self._files, self._words, self._tags, self._types, self._draws = files, words, tags, types, draws
        self._buffer, self._epoch_steps, self._augment, self._seed = buffer, epoch_steps, augment, seed
        self._layout, self._overlap = layout, overlap
        self._loader: StreamLoader | None = None
        self._resumed: dict[str, Any] | None = None

    def tag_counts(self, n_tags: int) -> TagCounts:
        """Count first tags, tag bigrams and last tags of the first sentences, for the first `n_tags` tags."""
        return count_tags(self._beginning, n_tags)

    def sentences_per_batch(self, rank: int, world: int) -> float:  # noqa: ARG002  alike on all of them
        """Return sentences per batch: `batch_size` if all are full, else the mean of the first sentences."""
        if self._draws.are_full:
            return self._draws.batch_size
        costs = Collator(self._beginning, self._words, self._layout, self._overlap).costs()
        if self._augment.lengthens and self._draws.max_subwords is not None:
            costs = costs.grown(subword_growth(costs, self._words, self._draws.max_subwords))
        return len(costs.rows) / len(self._draws(costs, 0))

    @cached_property
    def _beginning(self) -> EncodedCorpus:
        return encode_block(self._files.shards.first_sentences(CHUNK), self._words, self._tags, self._types)

    def loader(self, rank: int, world: int, *, num_workers: int, pin_memory: bool) -> StreamLoader:
        """Make the loader of a rank's batches.

        Args:
            rank: this process.
            world: number of processes.
            num_workers: processes that read for this one.
            pin_memory: whether batches go through page-locked memory.

        Raises:
            DataError: the resumed state is of another corpus, or of another number of readers.
        """
        draws, shards, workers = self._draws, self._files.shards, max(num_workers, 1)
        plan = ShardPlan(len(shards), world * workers, self._seed, self._files.counts)
        steps, even, buffer = self._epoch_steps, None, self._buffer
        if draws.are_full:
            buffer = max(buffer // draws.batch_size, 1) * draws.batch_size
        if steps is None and draws.are_full:
            steps, even = workers * -(-plan.largest_share // draws.batch_size), draws.batch_size
        elif steps is None:
            steps = max(1, round(sum(plan.counts or ()) / world / self.sentences_per_batch(rank, world)))
        augment = None
        if self._augment:
            augment = functools.partial(
                with_augmentation, options=self._augment, tags=self._tags, max_subwords=draws.max_subwords
            )
        stream = Stream(
            shards,
            plan,
            self._words,
            self._tags,
            self._types,
            draws,
            buffer,
            layout=self._layout,
            overlap=self._overlap,
            even=even,
            augment=augment,
        )
        names = [path.name for path in shards.paths]
        varied = [repr(self._augment)] if self._augment else []
        self._identity = {
            "readers": [world, workers],
            "order": digest(names, plan.counts, self._seed, buffer, repr(draws), *varied),
        }
        self._loader = StreamLoader(
            stream, steps, rank=rank, num_workers=num_workers, pin_memory=pin_memory, **self._start(rank)
        )
        return self._loader

    def resume(self, state: dict[str, Any]) -> None:
        """Continue where a checkpoint was written, from the next loader on."""
        self._resumed = state.get("stream")

    def _start(self, rank: int) -> dict[str, Any]:
        resumed = self._resumed
        if resumed is None:
            return {}
        if resumed["readers"] != self._identity["readers"]:
            (world, workers), (now, here) = resumed["readers"], self._identity["readers"]
            raise DataError(
                f"the checkpoint's stream was read by {world} processes with {workers} readers each, not {now} with "
                f"{here}: resume with as many (trainer.devices, data.num_workers)"
            )
        if resumed["order"] != self._identity["order"]:
            raise DataError(
                "the checkpoint's stream had other files, another data.augment, another seed, other batches or another "
                "data.shuffle_buffer: resume with those of its run"
            )
        return {"given": resumed["given"], "places": [StreamPosition(*place) for place in resumed["places"][rank]]}

    def state(self, progress: EpochProgress) -> dict[str, Any]:
        """Return what a checkpoint keeps: where the readers of every rank continue; empty before there is a loader.

        All ranks must call it at once.
        """
        if self._loader is None:
            return {}
        own = self._loader.state(in_flight=progress.ready > progress.processed)
        places = [own["places"]]
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            places = [None] * dist.get_world_size()
            dist.all_gather_object(places, own["places"])
        return {"stream": {**self._identity, "given": own["given"], "places": places}}

    def close(self) -> None:
        """End the processes that read."""
        if self._loader is not None:
            self._loader.close()
