"""Context is checked against a walk from word to word, and against input made by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.augment.augmented import with_augmentation
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.batches.collate import Batch, Collator, Layout
from ner_lightning.data.batches.context import DocumentContext, Documents, check_documents
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder, encode
from ner_lightning.data.corpus.sentence_store import in_memory
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.encoder import Encoder
from ner_lightning.model.tagger import TaggingModel
from ner_lightning.tagging import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from tests.oracle.context import row_of

TAGS = TagSet(("PER",), "IOB2")


class FewPositions:
    """What the collator asks of a word encoder, with rows of 12 subwords."""

    prefix, suffix, room, pad_id = (101,), (102,), 10, 7


# Sentences as the number of subwords of each word; documents of few names, "" for none.
SENTENCES = st.lists(
    st.tuples(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.sampled_from(["", "a", "b"])),
    min_size=1,
    max_size=9,
)


def corpus_of(sentences: list[list[int]]) -> tuple[EncodedCorpus, list[list[list[int]]]]:
    """The corpus, and the subwords of each word; they count up from 1000."""
    counts = [count for sentence in sentences for count in sentence]
    starts = np.concatenate(([0], np.cumsum(counts)))
    corpus = EncodedCorpus(
        pieces=np.arange(1000, 1000 + sum(counts), dtype=np.int32),
        piece_start=starts,
        word_start=np.concatenate(([0], np.cumsum([len(s) for s in sentences]))),
        tags=(np.arange(len(counts)) % 3).astype(np.int16),
    )
    words = [list(range(1000 + start, 1000 + end)) for start, end in pairwise(starts.tolist())]
    bounds = pairwise(corpus.word_start.tolist())
    return corpus, [words[start:end] for start, end in bounds]


def context_of(corpus: EncodedCorpus, names: list[str], size: int, room: int) -> DocumentContext:
    store = in_memory(Sentence(("x",), document=name) for name in names)
    return DocumentContext(corpus, Documents.of(store), size, room)


def rows_of(batch: Batch) -> list[list[int]]:
    """The rows of a batch without padding."""
    flat = batch.input_ids.flatten().tolist()
    starts = np.cumsum((0, *batch.row_lengths))
    if batch.attention_mask is not None:
        starts = np.arange(len(batch.row_lengths)) * batch.input_ids.shape[1]
    return [flat[start : start + length] for start, length in zip(starts, batch.row_lengths, strict=False)]


@given(SENTENCES, st.sampled_from(["packed", "padded"]), st.integers(1, 9))
def test_a_row_is_what_a_walk_from_word_to_word_finds(
    drawn: list[tuple[list[int], str]], layout: Layout, size: int
) -> None:
    names = [name for _, name in drawn]
    corpus, words = corpus_of([counts for counts, _ in drawn])
    context = context_of(corpus, names, size, FewPositions.room)
    collator = Collator(corpus, FewPositions(), layout, 2, context=context)  # type: ignore[arg-type]
    plain = Collator(corpus, FewPositions(), layout, 2)  # type: ignore[arg-type]
    for index, sentence in enumerate(words):
        batch, without = collator([index]), plain([index])
        if corpus.lengths[index] <= FewPositions.room:
            assert rows_of(batch) == [[101, *row_of(words, names, index, size, FewPositions.room), 102]]
        else:
            assert rows_of(batch) == rows_of(without)
        flat = batch.input_ids.flatten().tolist()
        for place, word in enumerate(sentence):
            start = int(batch.first_subword[0, place])
            assert flat[start : start + len(word)] == word
        for name in ("subword_count", "mask", "tags", "weight"):
            assert torch.equal(getattr(batch, name), getattr(without, name)), name
    together = collator(range(len(words)))
    assert rows_of(together) == [row for index in range(len(words)) for row in rows_of(collator([index]))]


@given(SENTENCES, st.sampled_from(["packed", "padded"]), st.integers(1, 9))
def test_the_cost_of_a_batch_is_what_the_encoder_reads(
    drawn: list[tuple[list[int], str]], layout: Layout, size: int
) -> None:
    corpus, _ = corpus_of([counts for counts, _ in drawn])
    context = context_of(corpus, [name for _, name in drawn], size, FewPositions.room)
    collator = Collator(corpus, FewPositions(), layout, 2, context=context)  # type: ignore[arg-type]
    costs = collator.costs()
    for chosen in (range(len(drawn)), [0], range(0, len(drawn), 2)):
        batch = collator(chosen)
        assert costs.of_batch(list(chosen), padded=layout == "padded") == batch.input_ids.numel()


def test_first_and_last_sentence_of_a_document_have_one_side() -> None:
    corpus, _ = corpus_of([[1], [1], [1], [1], [1]])
    context = context_of(corpus, ["a", "b", "b", "b", "a"], 5, 10)
    rows = rows_of(Collator(corpus, FewPositions(), context=context)(range(5)))  # type: ignore[arg-type]
    assert rows == [
        [101, 1000, 102],
        *[[101, 1001, 1002, 1003, 102]] * 3,
        [101, 1004, 102],  # of the first document's name, but not beside it
    ]


def test_both_sides_shrink_evenly_and_a_full_row_has_none() -> None:
    corpus, _ = corpus_of([[1] * 9, [1] * 5, [1] * 9, [1] * 10, [1] * 11])
    context = context_of(corpus, ["a"] * 5, 64, 10)
    sizes = context.sizes()
    assert sizes.tolist() == [0, 4, 0, 0, 0]  # 5 are left: 2 on each side
    (before, after), *_ = context.around(np.array([1]), np.array([5]))
    assert (before.tolist(), after.tolist()) == ([1007, 1008], [1014, 1015])


LINES = [
    ("Ann met Bob in Oslo .", "a"),
    ("She left .", "a"),
    ("Then he went home", "a"),
    ("Rome", "b"),
    ("is old", "b"),
    ("alone", ""),
    ("x " * 70 + "y", "b"),
]
TEXT = [Sentence(tuple(line.split()), (EntitySpan(0, 1, "PER"),), document=document) for line, document in LINES]


@pytest.fixture(scope="module")
def model(tiny_encoder: Path) -> TaggingModel:
    torch.manual_seed(1)
    return TaggingModel(Encoder(str(tiny_encoder)), CRF(TAGS)).eval()


def collators(words: WordEncoder, layout: Layout, size: int = 12) -> Collator:
    store = in_memory(TEXT)
    corpus = encode(store, words, TAGS)
    return Collator(corpus, words, layout, context=DocumentContext(corpus, Documents.of(store), size, words.room))


def test_packed_equals_padded(words: WordEncoder, model: TaggingModel) -> None:
    losses = []
    for layout in ("packed", "padded"):
        batch = collators(words, layout)(range(len(TEXT)))  # type: ignore[arg-type]
        losses.append(model.decoder.loss(model(batch), batch.tags, batch.mask))
    torch.testing.assert_close(*losses)


def test_emissions_are_those_of_input_made_by_hand(words: WordEncoder, model: TaggingModel) -> None:
    batch = collators(words, "packed")([1])
    text = "Bob in Oslo . She left . Then he went"  # 12 subwords would cut through `met` and `home`
    ids = words.tokenizer(text.split(), is_split_into_words=True, return_tensors="pt")["input_ids"]
    assert rows_of(batch) == ids.tolist()
    hidden = model.encoder(ids)[0]
    at = [11, 14, 18]  # [CLS] Bob in Oslo . | She left .
    by_hand = model.projection(hidden[at])
    torch.testing.assert_close(model(batch)[0], by_hand)


def test_varied_sentences_stand_in_their_own_context(words: WordEncoder) -> None:
    store = in_memory(TEXT)
    collator = collators(words, "packed")
    options = Augmentation(word_dropout=1.0)
    varied = with_augmentation(collator, store, (1,), options=options, tags=TAGS, max_subwords=None)([1], epoch=3)
    row, plain = rows_of(varied)[0], rows_of(collator([1]))[0]
    assert row[:11] == plain[:11]
    assert row[-11:] == plain[-11:]
    assert set(row[11:-11]) == {words.mask_id}


@given(st.integers(0, 50))
def test_varied_sentences_cost_no_more_than_planned(words: WordEncoder, seed: int) -> None:
    collator = collators(words, "packed")
    options = Augmentation(mention_replacement=1.0, word_replacement=0.5)
    varied = with_augmentation(collator, in_memory(TEXT), (seed,), options=options, tags=TAGS, max_subwords=50)
    costs = varied.costs()
    for index in range(len(TEXT)):
        assert sum(varied([index]).row_lengths) <= costs.subwords[index]
        assert max(varied([index]).row_lengths) <= words.room + 2


def test_without_documents_there_is_no_context() -> None:
    store = in_memory([Sentence(("x",), id="train.conll:1")])
    with pytest.raises(
        DataError, match=r"corpus.*data\.context=8: no sentence of the train split .*train\.conll:1.*DOCSTART"
    ):
        check_documents(store, "train", 8, "corpus")
    with pytest.warns(UserWarning, match="no sentence of the dev split belongs to a document; it is read without"):
        check_documents(store, "dev", 8, "corpus")


def test_documents_of_one_sentence_are_warned_of(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.warns(UserWarning, match="every sentence of the train split is a document of its own"):
        check_documents(in_memory(Sentence(("x",), document=str(n)) for n in range(3)), "train", 8, "corpus")
    recwarn.clear()
    check_documents(in_memory(TEXT), "train", 8, "corpus")
    assert not recwarn
