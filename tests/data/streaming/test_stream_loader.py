"""Ranks and worker processes together: nothing lost, nothing twice, also over a kill in mid-epoch."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.data.streaming.stream import StreamPosition
from ner_lightning.data.streaming.stream_loader import StreamLoader
from ner_lightning.errors import DataError
from tests.data.shard_corpus import EVERYTHING, SIZES, numbers, stream
from tests.runs import write_corpus


def loaders(
    shards: list[Path], words: WordEncoder, world: int, workers: int, counted: bool = True
) -> list[StreamLoader]:
    """A loader for each rank: epochs of one pass if counted, of seven batches otherwise."""
    whole = stream(shards, words, world * max(workers, 1), counted, even=counted)
    steps = max(workers, 1) * -(-whole.plan.largest_share // 4) if counted else 7
    return [StreamLoader(whole, steps, rank=rank, num_workers=workers) for rank in range(world)]


@pytest.mark.parametrize(("world", "workers"), [(1, 0), (3, 0), (1, 2), (2, 2)])
def test_an_epoch_gives_each_sentence_once_over_ranks_and_workers(
    shards: list[Path], words: WordEncoder, world: int, workers: int
) -> None:
    ranks = loaders(shards, words, world, workers)
    for _ in range(2):
        epochs = [list(loader) for loader in ranks]
        assert {len(epoch) for epoch in epochs} == {len(loader) for loader in ranks}
        assert Counter(n for epoch in epochs for batch in epoch for n in numbers(batch, words)) == EVERYTHING
    for loader in ranks:
        loader.close()


@pytest.mark.parametrize("workers", [0, 2, 3])
@pytest.mark.parametrize("done", [1, 5, 7, 11])
def test_after_a_kill_the_next_batch_is_the_next_one(
    shards: list[Path], words: WordEncoder, workers: int, done: int
) -> None:
    (whole,) = loaders(shards, words, 1, workers, counted=False)
    course = [numbers(batch, words) for _ in range(3) for batch in whole]  # three epochs of seven
    whole.close()
    (killed,) = loaders(shards, words, 1, workers, counted=False)
    epochs = (batch for _ in range(3) for batch in killed)
    given = [numbers(batch, words) for batch in islice(epochs, done)]
    state = json.loads(json.dumps(killed.state()))
    killed.close()
    places = [StreamPosition(*place) for place in state["places"]]
    resumed = StreamLoader(killed._loader.dataset.stream, 7, num_workers=workers, given=state["given"], places=places)
    rest = list(resumed)
    assert len(rest) == 7 - done % 7, "the rest of the epoch"
    rest += list(resumed)
    resumed.close()
    assert given + [numbers(batch, words) for batch in rest] == course[: done + len(rest)]


def test_a_batch_in_flight_is_given_again(shards: list[Path], words: WordEncoder) -> None:
    (loader,) = loaders(shards, words, 1, 2, counted=False)
    batches = iter(loader)
    for _ in range(3):
        before = loader.state()
        next(batches)
        assert loader.state(in_flight=True) == before != loader.state()
    loader.close()


def test_an_epoch_may_be_left_early(shards: list[Path], words: WordEncoder) -> None:
    """As trainer.limit_train_batches does: the next one is whole again."""
    (loader,) = loaders(shards, words, 1, 0, counted=False)
    early = [numbers(batch, words) for batch in islice(loader, 2)]
    rest = [numbers(batch, words) for batch in loader]
    assert len(rest) == 7
    (other,) = loaders(shards, words, 1, 0, counted=False)
    assert early + rest == [numbers(batch, words) for batch in islice((b for _ in range(2) for b in other), 9)]


def test_the_error_of_a_worker_is_one_sentence(tmp_path: Path, words: WordEncoder) -> None:
    write_corpus(tmp_path, train=["Ann/B-PER"])
    (loader,) = loaders([tmp_path / "train.conll"], words, 1, 1, counted=False)
    with pytest.raises(DataError) as caught:
        next(iter(loader))
    assert str(caught.value) == "train.conll:1: data.types leaves out PER; name every type"


def test_the_sizes_are_those_of_the_files(shards: list[Path]) -> None:
    assert [len(file.read_text().split("\n\n")) - 1 for file in shards] == list(SIZES)
