import pickle
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.corpus import sentence_store
from ner_lightning.data.corpus.sentence_store import SENTENCES, SentenceStore, in_memory, store_sentences
from ner_lightning.data.read_report import ForbiddenStep, Problem, ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.storage.flat_arrays import FolderWriter, MemoryWriter, open_arrays
from ner_lightning.tagging.spans import EntitySpan
from tests.data.sentences import sentences

THREE = [
    Sentence(("Ann", "säße"), (EntitySpan(0, 1, "PER"),), (1,), "a:1", "d", "Ann säße", ((0, 3), (4, 8))),
    Sentence(("在",), (), (), "", "d"),
    Sentence(("Oslo", "\u3000", "x"), (EntitySpan(0, 2, "LOC"), EntitySpan(2, 3, "PER"))),
]


@given(st.lists(sentences(), max_size=7), st.integers(1, 3))
def test_what_was_stored_comes_back(given_: list[Sentence], chunk: int) -> None:
    with patch.object(sentence_store, "CHUNK", chunk):
        store = in_memory(given_)
    assert list(store) == given_
    assert [store[i] for i in range(len(store))] == given_
    assert store.words(0, len(store)) == [word for sentence in given_ for word in sentence.words]
    assert store.type_counts() == Counter(span.label for sentence in given_ for span in sentence.spans)


def test_it_is_a_sequence() -> None:
    store = in_memory(THREE)
    assert store[-1] == THREE[-1]
    assert store[1:] == THREE[1:]
    assert store[::-2] == THREE[::-2]
    assert THREE[1] in store
    for index in (3, -4):
        with pytest.raises(IndexError):
            store[index]


def test_the_report_comes_back_too(tmp_path: Path) -> None:
    step = ForbiddenStep("IOB2", "O", "I-LOC", "conlleval")
    problems = [Problem("other", "a.conll", 7, "odd"), Problem("repaired", "a.conll", 9, str(step), step=step)]
    report = ReadReport(scheme="IOB2", repaired=2, problems=problems)
    writer = FolderWriter(tmp_path / "kept", SENTENCES)
    store_sentences(map(report.count, THREE), report, writer)
    again = SentenceStore(open_arrays(tmp_path / "kept", SENTENCES))
    assert again.report == report
    assert again.report.types == Counter(PER=2, LOC=1)
    assert isinstance(again.report.types, Counter)
    assert list(again) == THREE


def test_sentences_are_drawn_chunk_by_chunk() -> None:
    drawn = 0

    def counted():
        nonlocal drawn
        for drawn in range(1, 8):
            yield THREE[drawn % 3]

    class Watching(MemoryWriter):
        seen: list[int] = []  # noqa: RUF012

        def append(self, **parts):
            self.seen.append(drawn)
            super().append(**parts)

    with patch.object(sentence_store, "CHUNK", 3):
        store_sentences(counted(), ReadReport(), Watching(SENTENCES))
    assert Watching.seen == [0, 3, 6, 7]


def test_a_worker_gets_the_folder_not_the_arrays(tmp_path: Path) -> None:
    store_sentences(THREE, ReadReport(), writer := FolderWriter(tmp_path / "kept", SENTENCES))
    arrays = open_arrays(writer.folder, SENTENCES)
    sent = pickle.dumps(arrays)
    assert b"kept" in sent
    assert "säße".encode() not in sent
    assert list(SentenceStore(pickle.loads(sent))) == THREE
    assert list(SentenceStore(pickle.loads(pickle.dumps(in_memory(THREE).arrays)))) == THREE
