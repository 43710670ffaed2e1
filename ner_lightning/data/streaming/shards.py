"""Decide which sentences of a sharded corpus each of several readers takes, and in which order, alike everywhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ner_lightning.data.read_report import USUAL_LIMIT, ReadReport, SentenceLimit
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError


class Segment(NamedTuple):
    """Sentences `start`, `start + step`, … below `stop` of a shard; `stop` None: to its end."""

    shard: int
    start: int
    stop: int | None
    step: int = 1


@dataclass(frozen=True)
class ShardPlan:
    """How the sentences of a corpus are divided among consumers, anew in each pass.

    A pass goes through the shards in a random order. If the sentences of each shard have been counted, every consumer
    takes an equal stretch of that order; otherwise whole shards, or, with fewer shards than consumers, every n-th
    sentence. Each sentence is read by exactly one consumer in a pass.

    Args:
        shards: number of shards.
        consumers: number of consumers.
        seed: of the order.
        counts: sentences of each shard; None: unknown.

    Raises:
        DataError: fewer sentences than consumers.
    """

    shards: int
    consumers: int
    seed: int
    counts: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.counts is not None and sum(self.counts) < self.consumers:
            raise DataError(
                f"expected at least one training sentence for each of {self.consumers} readers (processes × "
                f"data.num_workers), found {sum(self.counts)}; lower data.num_workers"
            )

    def segments(self, passing: int, consumer: int) -> list[Segment]:
        """List what a consumer reads in a pass, in order.

        Args:
            passing: the pass, from 0.
            consumer: the consumer, from 0.

        >>> ShardPlan(shards=2, consumers=2, seed=0, counts=(3, 5)).segments(0, 0)
        [Segment(shard=0, start=0, stop=3, step=1), Segment(shard=1, start=0, stop=1, step=1)]
        """
        order = np.random.default_rng((self.seed, passing)).permutation(self.shards).tolist()
        if self.counts is None:
            return self._uncounted(order, consumer)
        low, high = self._stretch(consumer)
        found, before = [], 0
        for shard in order:
            size = self.counts[shard]
            start, stop = max(low - before, 0), min(high - before, size)
            if start < stop:
                found.append(Segment(shard, start, stop))
            before += size
        return found

    def _uncounted(self, order: list[int], consumer: int) -> list[Segment]:
        if self.shards >= self.consumers:
            return [Segment(shard, 0, None) for shard in order[consumer :: self.consumers]]
        # The first sentences go to another consumer in each shard, so short shards do not all favour the first ones.
        return [Segment(shard, (consumer - shard) % self.consumers, None, self.consumers) for shard in order]

    def _stretch(self, consumer: int) -> tuple[int, int]:
        total = sum(self.counts or ())
        return consumer * total // self.consumers, (consumer + 1) * total // self.consumers

    def share(self, consumer: int) -> int:
        """Count the sentences of a consumer in a pass, if they were counted.

        >>> [ShardPlan(shards=1, consumers=3, seed=0, counts=(8,)).share(consumer) for consumer in range(3)]
        [2, 3, 3]
        """
        low, high = self._stretch(consumer)
        return high - low

    @property
    def largest_share(self) -> int:
        """Count the sentences of the consumer that has most."""
        return max(self.share(consumer) for consumer in range(self.consumers))


class Shards:
    """The files of a corpus, read in part.

    Args:
        reader: of each file. If it must find the tag scheme itself, it uses the first shard for all of them, since part
            of a file would not be enough.
        paths: at least one.
        longest: how long a sentence may be.
    """

    def __init__(self, reader: Reader, paths: Sequence[Path], longest: SentenceLimit = USUAL_LIMIT) -> None:
        self.paths, self.longest = list(paths), longest
        self.reader = _decided(reader, self.paths[0], longest)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, segment: Segment, taken: int = 0) -> Iterator[Sentence]:
        """Yield the sentences of a segment, without the first `taken`."""
        sentences = self.reader.read(
            self.paths[segment.shard], ReadReport(limit=self.longest, reader=type(self.reader).__name__)
        )
        return islice(sentences, segment.start + taken * segment.step, segment.stop, segment.step)

    def first_sentences(self, number: int) -> list[Sentence]:
        """Read sentences from the beginning of the corpus."""
        whole = (self.read(Segment(shard, 0, None)) for shard in range(len(self)))
        return list(islice(chain.from_iterable(whole), number))


def _decided(reader: Reader, path: Path, longest: SentenceLimit) -> Reader:
    if getattr(reader, "scheme", None) != "auto":
        return reader
    report = ReadReport(limit=longest)
    next(iter(reader.read(path, report)))
    if not report.scheme:  # the file has spans
        return reader
    decided = copy.copy(reader)
    decided.scheme = report.scheme  # type: ignore[attr-defined]
    return decided
