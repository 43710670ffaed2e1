"""A corpus in shards in which each sentence is a number, so that a batch tells which sentences it holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from ner_lightning.data.batches.collate import Batch
from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.streaming.shards import ShardPlan, Shards
from ner_lightning.data.streaming.stream import BlockDraws, Stream
from ner_lightning.tagging.tagset import TagSet
from tests.runs import write_corpus

SIZES = (13, 1, 40, 7)
TAGS = TagSet(("LOC",), "IOB2")
EVERYTHING = Counter(1000 * (shard + 1) + number for shard, size in enumerate(SIZES) for number in range(size))


def write_shards(folder: Path) -> list[Path]:
    """Files of as many sentences as `SIZES` says."""
    for shard, size in enumerate(SIZES):
        write_corpus(folder, **{f"{shard}": [f"{1000 * (shard + 1) + number}/B-LOC" for number in range(size)]})
    return [folder / f"{shard}.conll" for shard in range(len(SIZES))]


def numbers(batch: Batch, words: WordEncoder) -> list[int]:
    """The sentences of a batch that weigh something."""
    found, before = [], 0
    assert batch.attention_mask is None, "packed"
    for length, weight in zip(batch.row_lengths, batch.weight.tolist(), strict=True):
        text = words.tokenizer.decode(batch.input_ids[0, before + 1 : before + length - 1]).replace(" ", "")
        found += [int(text)] * int(weight)
        before += length
    return found


def stream(
    files: list[Path], words: WordEncoder, consumers: int, counted: bool, even: bool = False, **options: Any
) -> Stream:
    """The stream of these files in batches of 4 sentences, blocks of 12."""
    plan = ShardPlan(len(files), consumers, 5, SIZES[: len(files)] if counted else None)
    options = {"buffer": 12, "even": 4 if even else None, **options}
    return Stream(Shards(ConllReader(), files), plan, words, TAGS, TAGS.types, BlockDraws(4, "random"), **options)
