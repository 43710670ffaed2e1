"""A training corpus larger than memory: read block by block, shuffled, encoded and batched on the way.

Every DataLoader worker of every process is a consumer with its own share (see `ShardPlan`). It reads a block of
sentences, encodes it, draws batches from it as from a small corpus, and goes on to the next; at the end of its share it
begins the next pass. Its position is four numbers, a `StreamPosition`, that travel with each batch: from the position
of the last trained batch, a consumer continues with the very next sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from ner_lightning.data.batches.collate import Batch, Collator, Layout
from ner_lightning.data.batches.samplers import Draw, Grouping, TrainingSampler
from ner_lightning.data.batches.token_budget import Costs
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder, encode
from ner_lightning.data.corpus.sentence_store import in_memory
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.streaming.shards import ShardPlan, Shards
from ner_lightning.errors import DataError
from ner_lightning.tagging.tagset import TagSet

Augment = Callable[[Collator, Sequence[Sentence], Sequence[int]], Collator]
"""Takes the collator of a block, its sentences and a seed in parts; returns a collator that varies them."""

Draws = Callable[[Costs, int], Iterable[Draw]]
"""Takes the costs of a block's sentences and a seed; returns its batches."""


@dataclass(frozen=True)
class BlockDraws:
    """Draws batches of a block, as `TrainingSampler` does for a single process."""

    batch_size: int
    grouping: Grouping
    max_subwords: int | None = None
    padded: bool = False

    def __call__(self, costs: Costs, seed: int) -> TrainingSampler:
        """Draw batches of sentences with these costs."""
        return TrainingSampler(
            costs,
            self.batch_size,
            seed=seed,
            grouping=self.grouping,
            max_subwords=self.max_subwords,
            padded=self.padded,
        )

    @property
    def are_full(self) -> bool:
        """Whether all batches but the last have `batch_size` sentences, so that they can be counted beforehand."""
        return self.grouping != "token_budget" and self.max_subwords is None


class StreamPosition(NamedTuple):
    """The position of a consumer.

    Attributes:
        passing: the pass through the corpus, from 0.
        segment: the segment of the pass.
        taken: number of sentences of the segment before the block.
        batches: number of finished batches of the block.
    """

    passing: int = 0
    segment: int = 0
    taken: int = 0
    batches: int = 0


class _Block(NamedTuple):
    start: StreamPosition
    after: StreamPosition
    sentences: list[Sentence]


@dataclass(frozen=True)
class Stream:
    """The endless batches of each consumer.

    Args:
        shards: the corpus.
        plan: which consumer reads what.
        words: the encoder's view of words.
        tags: every type that occurs.
        types: the types that the training data may have.
        draws: batches of a block.
        buffer: sentences per block, which are shuffled together.
        layout: of a batch.
        overlap: subwords that neighbouring windows of a long sentence share.
        even: if a pass must have the same number of batches for every consumer: the sentences per batch (`buffer` is a
            multiple of it, sentences are counted); a consumer with one batch less gets one of weight 0. None: each
            begins its next pass when it has finished.
        augment: varies the sentences of a block with others of it; None: they do not vary.
    """

    shards: Shards
    plan: ShardPlan
    words: WordEncoder
    tags: TagSet
    types: tuple[str, ...]
    draws: Draws
    buffer: int
    layout: Layout = "packed"
    overlap: int = 64
    even: int | None = None
    augment: Augment | None = None

    def batches(self, consumer: int, place: StreamPosition) -> Iterator[tuple[Batch, StreamPosition]]:
        """Yield the batches of a consumer from a place on, each with the place after it.

        Raises:
            DataError: a sentence cannot be read or has an entity of an unknown type, or there is none at all.
        """
        for start, after, sentences in self._blocks(consumer, place):
            corpus = encode_block(sentences, self.words, self.tags, self.types)
            collator = Collator(corpus, self.words, self.layout, self.overlap)
            if self.augment is not None:
                collator = self.augment(collator, sentences, (self.plan.seed, consumer, *start[:3]))
            seed = np.random.SeedSequence((self.plan.seed, consumer, *start)).generate_state(1)[0]
            draws = [*self.draws(collator.costs(), int(seed)), *self._fillers(consumer, start, len(sentences))]
            done = place.batches if start[:3] == place[:3] else 0
            for number, draw in enumerate(draws[done:], done + 1):
                here = after if number == len(draws) else start._replace(batches=number)
                yield collator(*draw), here

    def _blocks(self, consumer: int, place: StreamPosition) -> Iterator[_Block]:
        """Yield the blocks of a consumer, from the beginning of the one that contains `place`."""
        start = StreamPosition(*place[:3])
        while True:
            passing, found, taken = start.passing, 0, start.taken
            block: list[Sentence] = []
            segments = self.plan.segments(passing, consumer)
            for number, segment in enumerate(segments[start.segment :], start.segment):
                for sentence in self.shards.read(segment, taken):
                    if len(block) == self.buffer:
                        after = StreamPosition(passing, number, taken)
                        yield _Block(start, after, block)
                        start, block = after, []
                    block.append(sentence)
                    found, taken = found + 1, taken + 1
                taken = 0
            after = StreamPosition(passing + 1)
            if block:
                yield _Block(start, after, block)
            elif not found and start[1:] == (0, 0, 0):
                raise DataError(
                    f"reader {consumer + 1} of {self.plan.consumers} (processes × data.num_workers) finds no training "
                    "sentence for itself; lower data.num_workers"
                )
            start = after

    def _fillers(self, consumer: int, start: StreamPosition, size: int) -> list[Draw]:
        """Return the batches of weight 0 that a consumer lacks at the end of its pass."""
        if self.even is None:
            return []
        segments = self.plan.segments(start.passing, consumer)[: start.segment]
        before = sum(segment.stop - segment.start for segment in segments if segment.stop is not None) + start.taken
        share = self.plan.share(consumer)
        if before + size < share:
            return []
        lacking = -(-self.plan.largest_share // self.even) - -(-share // self.even)
        return [Draw((0,), fillers=1)] * lacking


def encode_block(sentences: list[Sentence], words: WordEncoder, tags: TagSet, types: Collection[str]) -> EncodedCorpus:
    """Encode sentences that nobody has seen yet.

    Raises:
        DataError: one has an entity of a type that is not in `types`.
    """
    store = in_memory(sentences)
    if unknown := set(store.types) - set(types):
        of = next(s for s in sentences if any(span.label in unknown for span in s.spans))
        raise DataError(f"{of.id}: data.types leaves out {', '.join(sorted(unknown))}; name every type")
    return encode(store, words, tags)


class WorkerShare(IterableDataset[tuple[Batch, StreamPosition]]):
    """The consumer run by a DataLoader worker.

    Args:
        stream: of all consumers.
        rank: of this process.
        workers: of each process, at least 1.
        places: where each of this process's consumers continues.
        turn: the one that gives the next batch; the DataLoader asks its workers in turn, from the first on.
    """

    def __init__(self, stream: Stream, rank: int, workers: int, places: Sequence[StreamPosition], turn: int) -> None:
        self.stream, self.rank, self.workers = stream, rank, workers
        self.places, self.turn = list(places), turn

    def __iter__(self) -> Iterator[tuple[Batch, StreamPosition]]:
        info = get_worker_info()
        own = (self.turn + (0 if info is None else info.id)) % self.workers
        return self.stream.batches(self.rank * self.workers + own, self.places[own])
