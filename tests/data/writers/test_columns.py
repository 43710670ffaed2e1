"""What is written comes back: spans to a format to spans."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers import sentence_record, write_conll, write_jsonl
from ner_lightning.tagging import SCHEMES, EntitySpan
from tests.oracle.spans import sentences as spans_and_lengths

WORDS = st.text(st.sampled_from("a#北\u3000\xa0\ufe0f\u2028\x85\r\ufeff? -"), min_size=1, max_size=3)


@st.composite
def corpora(draw, words=WORDS):
    corpus = []
    for spans, n_words in draw(st.lists(spans_and_lengths(), min_size=1, max_size=4)):
        n_words = max(n_words, 1)
        inside = {i for span in spans for i in range(span.start, span.end)}
        free = [i for i in range(n_words) if i not in inside]
        unknown = sorted(draw(st.sets(st.sampled_from(free)))) if free else []
        tokens = draw(st.lists(words, min_size=n_words, max_size=n_words))
        corpus.append(Sentence(tuple(tokens), tuple(spans), tuple(unknown)))
    return corpus


def read(reader, write):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        written = write(path)
        report = ReadReport()
        sentences = list(reader.read(path, report))
        assert (written, report.repaired, report.misaligned, report.overlapping) == (len(sentences), 0, 0, 0)
        return sentences


def content(sentences):
    return [(s.words, s.spans, s.unknown) for s in sentences]


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "IO"])
@given(corpus=corpora())
def test_columns_come_back(scheme, corpus):
    assert content(read(ConllReader(), lambda path: write_conll(corpus, path, scheme))) == content(corpus)


@given(corpus=corpora(), joiner=st.sampled_from(["", " "]))
def test_json_lines_come_back(corpus, joiner):
    found = read(JsonlReader(), lambda path: write_jsonl(corpus, path, joiner=joiner))
    assert content(found) == content(corpus)
    assert [s.text for s in found] == [joiner.join(s.words) for s in corpus]
    again = read(JsonlReader(), lambda path: write_jsonl(found, path))
    assert again == [Sentence(s.words, s.spans, s.unknown, s.id, s.document, s.text, s.offsets) for s in found]


@given(corpus=corpora(st.text(st.sampled_from("ab北é"), min_size=1, max_size=3)))
def test_characters_alone_are_enough_where_words_are_split_by_rule(corpus):
    found = read(JsonlReader(words="whitespace"), lambda path: write_jsonl(corpus, path, words=False))
    assert [(s.words, s.spans) for s in found] == [(s.words, s.spans) for s in corpus]


def test_documents():
    corpus = [Sentence(("a",), document="x"), Sentence(("b",), document="x"), Sentence(("c",), document="y")]
    found = read(ConllReader(), lambda path: write_conll(corpus, path, document_marker="-DOCSTART-"))
    assert [s.document for s in found] == ["file:1", "file:1", "file:7"]
    found = read(JsonlReader(), lambda path: write_jsonl(corpus, path))
    assert [s.document for s in found] == ["x", "x", "y"]


def test_record():
    sentence = Sentence(("New", "York"), (EntitySpan(0, 2, "LOC"),), text="(New  York)", offsets=((1, 4), (6, 10)))
    assert sentence_record(sentence, [0.5]) == {
        "text": "(New  York)",
        "words": ["New", "York"],
        "offsets": [[1, 4], [6, 10]],
        "entities": [
            {
                "start": 0,
                "end": 2,
                "label": "LOC",
                "text": "New  York",
                "char_start": 1,
                "char_end": 10,
                "probability": 0.5,
            }
        ],
    }


def test_streams_and_probabilities():
    stream = io.StringIO()
    corpus = [Sentence(("北",), (EntitySpan(0, 1, "LOC"),)), Sentence(("x",))]
    assert write_jsonl(corpus, stream, probabilities=[[0.25], []], words=False) == 2
    lines = stream.getvalue().splitlines()
    assert "北" in lines[0]
    assert json.loads(lines[0])["entities"][0]["probability"] == 0.25
    for wrong in ([[0.25]], [[], []]):
        with pytest.raises(ValueError, match="argument"):
            write_jsonl(corpus, io.StringIO(), probabilities=wrong)


@pytest.mark.parametrize("word", ["", "a\tb", "a\nb", "-DOCSTART-"])
def test_words_that_fit_no_column(word):
    with pytest.raises(ValueError, match="write JSONL"):
        write_conll([Sentence((word,))], io.StringIO())


@given(corpus=corpora(), data=st.data())
def test_comments_keep_ids_documents_and_texts(corpus, data):
    names = st.sampled_from(["d1", "d2", "a b"])
    corpus = [
        Sentence(s.words, s.spans, s.unknown, f"s {i}", data.draw(names), *joined(s.words))
        for i, s in enumerate(corpus)
    ]
    corpus.sort(key=lambda s: s.document)
    found = read(ConllReader(), lambda path: write_conll(corpus, path, comments=True))
    assert content(found) == content(corpus)
    assert [(s.id, s.document) for s in found] == [(s.id, s.document) for s in corpus]
    kept = [(a.text, b.text) for a, b in zip(found, corpus, strict=True) if a.text is not None]
    assert all(a == b for a, b in kept)


def joined(words):
    text, offsets = "", []
    for word in words:
        offsets.append((len(text), len(text) + len(word)))
        text += word + " "
    return text[:-1], tuple(offsets)


def test_comments():
    stream = io.StringIO()
    sentence = Sentence(("Ann", "left"), (EntitySpan(0, 1, "PER"),), (), "s1", "d1", "Ann left", ((0, 3), (4, 8)))
    write_conll([sentence], stream, comments=True)
    assert stream.getvalue() == "# newdoc id = d1\n# sent_id = s1\n# text = Ann left\nAnn\tB-PER\nleft\tO\n\n"
