from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from ner_lightning.data.batches import bigrams
from ner_lightning.data.batches.bigrams import count_tags
from ner_lightning.data.corpus.encoding import WordEncoder, encode
from ner_lightning.data.sentence import Sentence
from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.tagging.tagset import TagSet
from tests.data.sentences import TYPES, sentences
from tests.oracle.encoding import counted

TAGS = TagSet(TYPES, "BIOES")


@settings(max_examples=40)
@given(st.lists(sentences(), max_size=6), st.integers(1, 3))
def test_counts_are_those_of_counting_one_by_one(tiny_encoder: Path, given_: list[Sentence], chunk: int) -> None:
    corpus = encode(given_, words_of(tiny_encoder), TAGS)
    with patch.object(bigrams, "_CHUNK", chunk):
        found = count_tags(corpus, len(TAGS))
    assert tuple(counts.tolist() for counts in found) == counted(given_, TAGS)


KNOWN: dict[Path, WordEncoder] = {}


def words_of(folder: Path) -> WordEncoder:
    return KNOWN.setdefault(folder, WordEncoder(load_tokenizer(str(folder)), 64))
