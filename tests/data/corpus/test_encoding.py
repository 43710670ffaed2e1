import pickle
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from ner_lightning.data.corpus import encoding
from ner_lightning.data.corpus.encoding import ENCODED, UNKNOWN_TAG, EncodedCorpus, WordEncoder, encode, write_encoded
from ner_lightning.data.corpus.sentence_store import in_memory
from ner_lightning.data.sentence import Sentence
from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.storage.flat_arrays import FolderWriter
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from tests.data.sentences import TYPES, sentences
from tests.oracle.encoding import encoded

TAGS = TagSet(("LOC", "PER"), "IOB2")


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return load_tokenizer("package:minilm")


def test_pieces_are_those_of_the_whole_pre_split_sentence(tokenizer: PreTrainedTokenizerFast) -> None:
    words = WordEncoder(tokenizer, 512)
    sentence = ["Angela", "Merkel's", "don't", "co-operate", "U.S.", "3,141.59", "…", "Zürich", "antidisestablishment"]
    joined = [piece for word in sentence for piece in words.pieces(word)]
    assert [*words.prefix, *joined, *words.suffix] == tokenizer(sentence, is_split_into_words=True)["input_ids"]


@pytest.mark.parametrize("invisible", ["\ufe0f", "\u3000", "\u00a0", "\u200b", "\u200d", "\x01", "\ufeff", "\u00ad"])
def test_a_word_without_subword_keeps_its_place_and_gets_a_tag(
    tokenizer: PreTrainedTokenizerFast, invisible: str
) -> None:
    words = WordEncoder(tokenizer, 512)
    sentence = Sentence(("Oslo", invisible, "Bergen"), (EntitySpan(0, 1, "LOC"), EntitySpan(2, 3, "LOC")))
    corpus = encode([sentence], words, TAGS)
    assert corpus.tags.tolist() == [1, 0, 1]
    assert corpus.piece_start.tolist() == [0, 1, 2, 3]
    assert words.pieceless == {invisible}
    assert corpus.pieces[1] == tokenizer.unk_token_id


def test_a_word_longer_than_a_row_keeps_its_first_pieces_and_is_counted(tokenizer: PreTrainedTokenizerFast) -> None:
    words = WordEncoder(tokenizer, 10)
    endless = "-" * 50
    assert len(words.pieces(endless)) == 8
    assert words.shortened == {endless}


def test_unknown_words_have_no_tag(tokenizer: PreTrainedTokenizerFast) -> None:
    corpus = encode([Sentence(("a", "b"), unknown=(1,))], WordEncoder(tokenizer, 512), TAGS)
    assert corpus.tags.tolist() == [0, UNKNOWN_TAG]


def test_lengths_count_subwords_a_sentence(tokenizer: PreTrainedTokenizerFast) -> None:
    words = WordEncoder(tokenizer, 512)
    corpus = encode([Sentence(("a", "b")), Sentence(("antidisestablishment",))], words, TAGS)
    assert len(corpus) == 2
    assert corpus.lengths.tolist() == [2, len(words.pieces("antidisestablishment"))]


def test_a_type_outside_the_tag_set_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match="MISC"):
        encode([Sentence(("a",), (EntitySpan(0, 1, "MISC"),))], WordEncoder(tokenizer, 512), TAGS)


@settings(max_examples=40)
@given(given_=st.lists(sentences(), max_size=7), chunk=st.integers(1, 3), scheme=st.sampled_from(["IOB2", "BIOES"]))
def test_arrays_are_those_of_encoding_word_by_word(
    tokenizer: PreTrainedTokenizerFast, given_: list[Sentence], chunk: int, scheme: str
) -> None:
    words, tags = WordEncoder(tokenizer, 9), TagSet(TYPES, scheme)
    with patch.object(encoding, "CHUNK", chunk):
        corpus = encode(given_, words, tags)
    assert {name: getattr(corpus, name).tolist() for name in ENCODED} == encoded(given_, words, tags)


def test_a_worker_gets_the_folder_of_a_corpus(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    words, store = WordEncoder(tokenizer, 512), in_memory([Sentence(("Oslo", "\ufe0f") * 500)])
    arrays = write_encoded(store, words, TAGS, FolderWriter(tmp_path / "kept", ENCODED))
    assert arrays.about == {"pieceless": ["\ufe0f"], "shortened": []}
    sent = pickle.dumps(EncodedCorpus.over(arrays))
    assert len(sent) < 1000
    for corpus in (pickle.loads(sent), pickle.loads(pickle.dumps(encode(store, words, TAGS)))):
        assert corpus.lengths.tolist() == [1000]
        assert corpus.tags.tolist() == [0] * 1000
