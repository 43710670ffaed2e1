"""The training split of a corpus that is streamed: its shards, what a first pass counted, its loaders."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch.distributed as dist
from pytorch_lightning.utilities import rank_zero_info

from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.augmented import augmented, growth
from ner_lightning.data.bigrams import TagCounts, count_tags
from ner_lightning.data.collate import Collator
from ner_lightning.data.corpus_files import CorpusFiles
from ner_lightning.data.encoding import EncodedCorpus, WordEncoder
from ner_lightning.data.fingerprint import digest
from ner_lightning.data.report import DataError, ReadReport
from ner_lightning.data.sentence_store import CHUNK
from ner_lightning.data.shards import Plan, Shards
from ner_lightning.data.stream_loader import StreamLoader
from ner_lightning.data.streaming import BlockDraws, Place, Stream, encode_block
from ner_lightning.tagging.tagset import TagSet


class TrainingStream:
    """Shards to be read again and again, never held in memory.

    Args:
        files: reads a shard; its cache keeps what was counted.
        paths: the shards.
        buffer: sentences that are shuffled together.
        epoch_steps: batches of an epoch on each rank; None: as many as one pass takes.
        counted: whether a first pass counts sentences, types and problems; it must where `epoch_steps` is None.
        augment: what varies in the sentences.

    Raises:
        DataError: a shard cannot be read.
    """

    def __init__(
        self,
        files: CorpusFiles,
        paths: Sequence[Path],
        *,
        buffer: int,
        epoch_steps: int | None,
        counted: bool,
        augment: Augmentation,
    ) -> None:
        self.shards = Shards(files.reader, paths)
        self.buffer, self.epoch_steps, self.augment = buffer, epoch_steps, augment
        self._reports: list[ReadReport] | None = None
        self._loader: StreamLoader | None = None
        self._first: EncodedCorpus | None = None
        if counted:
            rank_zero_info(f"Counting the sentences of {len(paths)} training files, once.")
            self._reports = _counted(CorpusFiles(self.shards.reader, files.cache), paths, files.limit)

    @cached_property
    def report(self) -> ReadReport | None:
        """What the first pass found; None where there was none."""
        if self._reports is None:
            return None
        whole = ReadReport(scheme=self._reports[0].scheme)
        for report in self._reports:
            whole.add(report)
        return whole

    @property
    def _counts(self) -> tuple[int, ...] | None:
        return None if self._reports is None else tuple(report.sentences for report in self._reports)

    def tag_counts(self, words: WordEncoder, tags: TagSet, types: tuple[str, ...], n_tags: int) -> TagCounts:
        """First tags, tag bigrams and last tags of the first sentences, of the first `n_tags` of `tags`."""
        return count_tags(self._beginning(words, tags, types), n_tags)

    def sentences_per_batch(
        self, words: WordEncoder, tags: TagSet, types: tuple[str, ...], draws: BlockDraws, **layout: Any
    ) -> float:
        """Sentences of a batch: `batch_size` where all are full, otherwise the mean over the first sentences."""
        if draws.are_full:
            return draws.batch_size
        costs = Collator(self._beginning(words, tags, types), words, **layout).costs()
        if self.augment.lengthens and draws.max_subwords is not None:
            costs = costs.grown(growth(costs, words, draws.max_subwords))
        return len(costs.rows) / len(draws(costs, 0))

    def _beginning(self, words: WordEncoder, tags: TagSet, types: tuple[str, ...]) -> EncodedCorpus:
        if self._first is None:
            self._first = encode_block(self.shards.first_sentences(CHUNK), words, tags, types)
        return self._first

    def loader(
        self,
        words: WordEncoder,
        tags: TagSet,
        types: tuple[str, ...],
        draws: BlockDraws,
        *,
        seed: int,
        rank: int,
        world: int,
        num_workers: int,
        resumed: dict[str, Any] | None,
        pin_memory: bool = False,
        **layout: Any,
    ) -> StreamLoader:
        """The training batches of a rank.

        An epoch that is one pass ends with the pass where batches can be counted beforehand; where a budget decides how
        many sentences they hold, it is about as long.

        Args:
            words: the encoder's view of words.
            tags: every type that occurs.
            types: those that the training data may have.
            draws: batches of a block.
            seed: of every order.
            rank: this process.
            world: number of processes.
            num_workers: processes that read for this one.
            resumed: the state of a checkpoint.
            pin_memory: whether batches go through page-locked memory.
            layout: of batches, as for `Stream`.

        Raises:
            DataError: the state is of another corpus, or of another number of readers.
        """
        workers = max(num_workers, 1)
        plan = Plan(len(self.shards), world * workers, seed, self._counts)
        steps, even, buffer = self.epoch_steps, None, self.buffer
        if draws.are_full:
            buffer = max(buffer // draws.batch_size, 1) * draws.batch_size
        if steps is None and draws.are_full:
            steps, even = workers * -(-plan.largest_share // draws.batch_size), draws.batch_size
        elif steps is None:
            mean = self.sentences_per_batch(words, tags, types, draws, **layout)
            steps = max(1, round(sum(plan.counts or ()) / world / mean))
        augment = None
        if self.augment:
            augment = functools.partial(augmented, options=self.augment, tags=tags, max_subwords=draws.max_subwords)
        stream = Stream(self.shards, plan, words, tags, types, draws, buffer, even=even, augment=augment, **layout)
        varied = [repr(self.augment)] if self.augment else []
        self._identity = {
            "readers": [world, workers],
            "order": digest([path.name for path in self.shards.paths], plan.counts, seed, buffer, repr(draws), *varied),
        }
        start = self._start(resumed, rank)
        self._loader = StreamLoader(stream, steps, rank=rank, num_workers=num_workers, pin_memory=pin_memory, **start)
        return self._loader

    def _start(self, resumed: dict[str, Any] | None, rank: int) -> dict[str, Any]:
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
        return {"given": resumed["given"], "places": [Place(*place) for place in resumed["places"][rank]]}

    def state(self, in_flight: bool) -> dict[str, Any] | None:
        """What a checkpoint keeps: where the readers of every rank go on; None before there is a loader.

        All ranks must ask at once.

        Args:
            in_flight: whether the last batch given was not trained on.
        """
        if self._loader is None:
            return None
        own = self._loader.state(in_flight)
        places = [own["places"]]
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            places = [None] * dist.get_world_size()
            dist.all_gather_object(places, own["places"])
        return {**self._identity, "given": own["given"], "places": places}

    def close(self) -> None:
        """End the processes that read."""
        if self._loader is not None:
            self._loader.close()


def _counted(files: CorpusFiles, paths: Sequence[Path], limit: int | None) -> list[ReadReport]:
    """The report of each shard; with a limit, as if the corpus ended there."""
    reports, left = [], limit
    for path in paths:
        report = ReadReport() if left == 0 else files.survey(path)
        if left is not None:
            report.sentences = min(report.sentences, left)
            left -= report.sentences
        reports.append(report)
    return reports
