"""A batch is checked against the obvious: each word's subwords, found again in the flattened rows."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.batches.collate import Batch, Collator, Layout
from ner_lightning.data.corpus.encoding import UNKNOWN_TAG, EncodedCorpus


class FewPositions:
    """What the collator asks of a word encoder, with rows of 8 subwords."""

    prefix, suffix, room, pad_id = (101,), (102,), 6, 7


def corpus_of(sentences: list[list[int]]) -> EncodedCorpus:
    """Sentences as the number of subwords of each word; the pieces count up from 1000."""
    counts = [count for sentence in sentences for count in sentence]
    total = sum(counts)
    return EncodedCorpus(
        pieces=np.arange(1000, 1000 + total, dtype=np.int32),
        piece_start=np.concatenate(([0], np.cumsum(counts))),
        word_start=np.concatenate(([0], np.cumsum([len(s) for s in sentences]))),
        tags=(np.arange(len(counts)) % 5).astype(np.int16),
    )


def pieces_of(batch: Batch, line: int, word: int) -> list[int]:
    start, count = int(batch.first_subword[line, word]), int(batch.subword_count[line, word])
    return batch.input_ids.flatten()[start : start + count].tolist()


SENTENCES = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=12), min_size=1, max_size=6)


@given(SENTENCES, st.sampled_from(["packed", "padded"]), st.integers(0, 9))
def test_every_word_finds_its_own_subwords(sentences: list[list[int]], layout: Layout, overlap: int) -> None:
    corpus = corpus_of(sentences)
    batch = Collator(corpus, FewPositions(), layout, overlap)(range(len(sentences)))  # type: ignore[arg-type]
    word = 0
    for line, sentence in enumerate(sentences):
        assert batch.mask[line].tolist() == [i < len(sentence) for i in range(batch.mask.shape[1])]
        for place in range(len(sentence)):
            expected = corpus.pieces[corpus.piece_start[word] : corpus.piece_start[word + 1]].tolist()
            assert pieces_of(batch, line, place) == expected
            assert batch.tags[line, place] == corpus.tags[word]
            word += 1
    assert max(batch.row_lengths) <= FewPositions.room + 2


@given(SENTENCES)
def test_packed_has_no_padding_and_positions_restart(sentences: list[list[int]]) -> None:
    batch = Collator(corpus_of(sentences), FewPositions(), "packed", 2)(range(len(sentences)))  # type: ignore[arg-type]
    assert batch.input_ids.shape == (1, sum(batch.row_lengths))
    assert batch.attention_mask is None
    assert batch.position_ids is not None
    assert batch.position_ids[0].tolist() == [i for length in batch.row_lengths for i in range(length)]


def test_padded_marks_the_padding() -> None:
    batch = Collator(corpus_of([[1], [1, 2]]), FewPositions(), "padded")([0, 1])  # type: ignore[arg-type]
    assert batch.input_ids.tolist() == [[101, 1000, 102, 7, 7], [101, 1001, 1002, 1003, 102]]
    assert batch.attention_mask is not None
    assert batch.attention_mask.tolist() == [[True, True, True, False, False], [True] * 5]


def test_nothing_of_a_long_sentence_is_cut() -> None:
    batch = Collator(corpus_of([[1] * 1000]), FewPositions(), "packed", 3)([0])  # type: ignore[arg-type]
    assert batch.mask.sum() == 1000
    ids = batch.input_ids.flatten()[batch.first_subword[0]]
    assert ids.tolist() == list(range(1000, 2000))


def test_unknown_words_and_fillers() -> None:
    corpus = corpus_of([[1, 1], [1]])
    corpus.tags[1] = UNKNOWN_TAG
    batch = Collator(corpus, FewPositions())([0, 1], fillers=1)  # type: ignore[arg-type]
    assert batch.unknown is not None
    assert batch.unknown.tolist() == [[False, True], [False, False]]
    assert batch.tags[0].tolist() == [0, 0]
    assert batch.weight.tolist() == [1.0, 0.0]
    assert Collator(corpus, FewPositions())([1]).unknown is None  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_a_batch_moves_as_a_whole(layout: Layout) -> None:
    batch = Collator(corpus_of([[1, 2]]), FewPositions(), layout)([0])  # type: ignore[arg-type]
    moved = batch.to(torch.device("meta"))
    assert moved.input_ids.device.type == moved.mask.device.type == moved.weight.device.type == "meta"
    assert moved.row_lengths == batch.row_lengths
    assert moved.index == (0,)


@given(SENTENCES, st.sampled_from(["packed", "padded"]), st.integers(0, 9))
def test_the_cost_of_a_batch_is_what_the_encoder_reads(
    sentences: list[list[int]], layout: Layout, overlap: int
) -> None:
    collator = Collator(corpus_of(sentences), FewPositions(), layout, overlap)  # type: ignore[arg-type]
    costs = collator.costs()
    for chosen in (range(len(sentences)), [0], range(0, len(sentences), 2)):
        batch = collator(chosen)
        assert costs.of_batch(list(chosen), padded=layout == "padded") == batch.input_ids.numel()
    assert costs.rows.sum() == len(collator(range(len(sentences))).row_lengths)
