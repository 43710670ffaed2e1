"""Mentions read off tags are the spans that were written as tags."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.augment.substitutes import complete_mentions
from ner_lightning.data.corpus.encoding import UNKNOWN_TAG, EncodedCorpus
from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet
from tests.data.sentences import TYPES, sentences
from tests.oracle.augmentation import whole


def corpus_of(some: list[Sentence], tags: TagSet) -> EncodedCorpus:
    ids = []
    for sentence in some:
        own = tags.encode(sentence.spans, len(sentence.words))
        ids += [UNKNOWN_TAG if i in sentence.unknown else tag for i, tag in enumerate(own)]
    starts = np.concatenate(([0], np.cumsum([len(sentence.words) for sentence in some]))).astype(np.int64)
    return EncodedCorpus(np.zeros(len(ids), np.int32), np.arange(len(ids) + 1), starts, np.array(ids, np.int16))


@given(st.lists(sentences(), min_size=1, max_size=5), st.sampled_from(["IOB2", "BIOES"]))
def test_the_complete_ones_are_found(some: list[Sentence], scheme: str) -> None:
    tags = TagSet(TYPES, scheme)
    corpus = corpus_of(some, tags)
    first, last, label, start = complete_mentions(corpus, tags)
    for number, sentence in enumerate(some):
        own = range(start[number], start[number + 1])
        before = corpus.word_start[number]
        found = [EntitySpan(int(first[m] - before), int(last[m] - before), TYPES[label[m]]) for m in own]
        assert found == [span for span in sorted(sentence.spans) if whole(sentence, span, scheme)]
    assert start[-1] == len(first)


@pytest.mark.parametrize(("scheme", "expected"), [("IOB2", []), ("BIOES", [0])])
def test_an_end_that_nobody_annotated(scheme: str, expected: list[int]) -> None:
    """`B-LOC ?`: the mention may go on; `S-LOC ?` has ended."""
    tags = TagSet(("LOC",), scheme)
    corpus = corpus_of([Sentence(("Oslo", "Fjord"), (EntitySpan(0, 1, "LOC"),), unknown=(1,))], tags)
    assert complete_mentions(corpus, tags).first.tolist() == expected
