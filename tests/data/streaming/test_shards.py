from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.streaming.shards import Segment, ShardPlan, Shards
from ner_lightning.errors import DataError
from tests.runs import EASY, write_corpus

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=6).map(tuple)


def taken(plan: ShardPlan, counts: tuple[int, ...], passing: int, consumer: int) -> list[tuple[int, int]]:
    """Shard and number of each sentence of a consumer."""
    return [
        (shard, number)
        for shard, start, stop, step in plan.segments(passing, consumer)
        for number in range(start, counts[shard] if stop is None else stop, step)
    ]


@given(counts=COUNTS, consumers=st.integers(1, 7), passing=st.integers(0, 3), is_counted=st.booleans())
def test_each_sentence_is_taken_once_in_a_pass(
    counts: tuple[int, ...], consumers: int, passing: int, is_counted: bool
) -> None:
    if is_counted and sum(counts) < consumers:
        with pytest.raises(DataError, match=rf"each of {consumers} readers .* found {sum(counts)}; lower"):
            ShardPlan(len(counts), consumers, 1, counts)
        return
    plan = ShardPlan(len(counts), consumers, 1, counts if is_counted else None)
    shares = [taken(plan, counts, passing, consumer) for consumer in range(consumers)]
    everything = [(shard, number) for shard, size in enumerate(counts) for number in range(size)]
    assert Counter(sentence for share in shares for sentence in share) == Counter(everything)
    if is_counted:
        sizes = list(map(len, shares))
        assert max(sizes) - min(sizes) <= 1
        assert sizes == [plan.share(consumer) for consumer in range(consumers)]
        assert plan.largest_share == max(sizes)


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    orders = [tuple(ShardPlan(9, 1, seed).segments(passing, 0)) for seed in (1, 2) for passing in (0, 1)]
    assert len(set(orders)) == 4
    assert ShardPlan(9, 1, 1).segments(0, 0) == list(orders[0])


def test_a_segment_is_read_from_any_sentence_on(tmp_path: Path) -> None:
    file = write_corpus(tmp_path, train=EASY) / "train.conll"
    whole = list(ConllReader().read(file, ReadReport()))
    shards = Shards(ConllReader(), [file])
    assert list(shards.read(Segment(0, 3, 20, 4))) == whole[3:20:4]
    assert list(shards.read(Segment(0, 3, 20, 4), taken=2)) == whole[11:20:4]
    assert list(shards.read(Segment(0, 5, None), taken=1)) == whole[6:]
    assert shards.first_sentences(3) == whole[:3]


def test_the_first_shard_decides_the_scheme_of_all(tmp_path: Path) -> None:
    write_corpus(tmp_path, one=["Ann/B-PER Lee/E-PER", "Oslo/S-LOC"], two=["nothing here"])
    reader = ConllReader()
    shards = Shards(reader, [tmp_path / "one.conll", tmp_path / "two.conll"])
    assert shards.reader.scheme == "BIOES"  # type: ignore[attr-defined]
    assert reader.scheme == "auto"
    assert Shards(ConllReader(scheme="IOB1"), shards.paths).reader.scheme == "IOB1"  # type: ignore[attr-defined]
    (tmp_path / "spans.jsonl").write_text('{"text": "Oslo", "label": [[0, 4, "LOC"]]}\n')
    assert Shards(JsonlReader(), [tmp_path / "spans.jsonl"]).reader.scheme == "auto"  # type: ignore[attr-defined]
