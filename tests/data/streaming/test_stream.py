"""Every consumer of a stream, in this process: which sentences it gives, and where it goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ner_lightning.data.batches.collate import Batch
from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.streaming.shards import ShardPlan, Shards
from ner_lightning.data.streaming.stream import BlockDraws, Stream, StreamPosition
from ner_lightning.errors import DataError
from tests.data.shard_corpus import EVERYTHING, TAGS, numbers, stream
from tests.runs import write_corpus

BEGINNING = StreamPosition()


def one_pass(whole: Stream, consumer: int, passing: int = 0) -> Iterator[tuple[Batch, StreamPosition]]:
    """The batches of a consumer until it is in its next pass."""
    for batch, place in whole.batches(consumer, StreamPosition(passing)):
        yield batch, place
        if place.passing > passing:
            return


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("consumers", [1, 2, 3, 4, 6])
def test_a_pass_gives_each_sentence_once(shards: list[Path], words: WordEncoder, consumers: int, counted: bool) -> None:
    whole = stream(shards, words, consumers, counted)
    orders = []
    for passing in (0, 1):
        found = [numbers(b, words) for consumer in range(consumers) for b, _ in one_pass(whole, consumer, passing)]
        assert Counter(number for batch in found for number in batch) == EVERYTHING
        assert max(map(len, found)) == 4
        orders.append(found)
    assert orders[0] != orders[1]


@pytest.mark.parametrize("consumers", [1, 2, 3, 6])
def test_even_passes_have_as_many_batches_for_every_consumer(
    shards: list[Path], words: WordEncoder, consumers: int
) -> None:
    whole = stream(shards, words, consumers, counted=True, even=True)
    passes = [list(one_pass(whole, consumer)) for consumer in range(consumers)]
    assert {len(batches) for batches in passes} == {-(-whole.plan.largest_share // 4)}
    assert Counter(n for batches in passes for batch, _ in batches for n in numbers(batch, words)) == EVERYTHING


def test_a_consumer_that_lacks_a_batch_gets_one_without_weight(shards: list[Path], words: WordEncoder) -> None:
    whole = stream(shards, words, 5, counted=True, even=True, buffer=4)  # 12 or 13 sentences: 3 or 4 batches
    passes = [[numbers(batch, words) for batch, _ in one_pass(whole, consumer)] for consumer in range(5)]
    assert sorted(len(batches) for batches in passes) == [4] * 5
    assert [batches[-1] for batches in passes].count([]) == 4


@pytest.mark.parametrize(("counted", "even"), [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("consumers", [1, 3, 5])
def test_from_any_place_the_same_batches_follow(
    shards: list[Path], words: WordEncoder, consumers: int, counted: bool, even: bool
) -> None:
    whole = stream(shards, words, consumers, counted, even)
    for consumer in range(consumers):
        course = list(islice(whole.batches(consumer, BEGINNING), 40))
        given = [numbers(batch, words) for batch, _ in course]
        for done, (_, place) in enumerate(course[:30], 1):
            following = islice(whole.batches(consumer, StreamPosition(*list(place))), 6)
            assert [numbers(batch, words) for batch, _ in following] == given[done : done + 6]


def test_sentences_are_shuffled_within_the_buffer(shards: list[Path], words: WordEncoder) -> None:
    def order(buffer: int) -> list[int]:
        whole = stream(shards[2:3], words, 1, counted=False, buffer=buffer)
        return [number for batch, _ in one_pass(whole, 0) for number in numbers(batch, words)]

    first, wide = order(8), order(40)
    assert sorted(first[:8]) == list(range(3000, 3008))
    assert first[:8] != sorted(first[:8])
    assert set(wide[:8]) != set(range(3000, 3008))


def test_similar_lengths_share_a_batch(tmp_path: Path, words: WordEncoder) -> None:
    write_corpus(tmp_path, train=["1" * (n % 9 + 1) for n in range(90)])
    draws = BlockDraws(10, "length_bucket")
    plan = ShardPlan(1, 1, 5, None)
    whole = Stream(
        Shards(ConllReader(), [tmp_path / "train.conll"]), plan, words, TAGS, TAGS.types, draws, 90, layout="padded"
    )
    for batch, _ in islice(whole.batches(0, BEGINNING), 9):
        assert len(set(batch.row_lengths)) == 1


def test_a_type_that_was_not_named_is_refused_with_its_place(tmp_path: Path, words: WordEncoder) -> None:
    write_corpus(tmp_path, train=["Oslo/B-LOC", "Ann/B-PER"])
    with pytest.raises(DataError, match=r"train\.conll:3: data\.types leaves out PER; name every type"):
        next(stream([tmp_path / "train.conll"], words, 1, counted=False).batches(0, BEGINNING))


def test_a_consumer_without_a_sentence_says_so_and_does_not_wait(tmp_path: Path, words: WordEncoder) -> None:
    write_corpus(tmp_path, train=["Oslo/B-LOC", "Rome/B-LOC"])
    whole = stream([tmp_path / "train.conll"], words, 3, counted=False)
    assert next(whole.batches(1, BEGINNING))
    with pytest.raises(DataError, match=r"reader 3 of 3 .* no training sentence for itself; lower data\.num_workers"):
        next(whole.batches(2, BEGINNING))
