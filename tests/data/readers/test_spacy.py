"""spaCy's DocBin: tokens, missing values, sentences, span groups; and a file that is none."""

from __future__ import annotations

import builtins

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.spacy import SpacyReader
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan

spacy = pytest.importorskip("spacy")
from spacy.tokens import Doc, DocBin, Span  # noqa: E402


@pytest.fixture(scope="module")
def english():
    return spacy.blank("en")


@pytest.fixture
def read(tmp_path):
    def reading(*docs, attrs=("ORTH", "ENT_IOB", "ENT_TYPE", "SENT_START"), **options):
        path = tmp_path / "a.spacy"
        DocBin(attrs=list(attrs), docs=docs).to_disk(path)
        report = ReadReport()
        return list(SpacyReader(**options).read(path, report)), report

    return reading


def test_documents_become_sentences(read, english):
    doc = english("Ann  lives in New York.\n\nBob 👍🏽 left.")
    doc.ents = [Span(doc, 0, 1, "PER"), Span(doc, 4, 6, "LOC"), Span(doc, 8, 9, "PER")]
    sentences, report = read(doc)
    assert [s.words for s in sentences] == [
        ("Ann", "lives", "in", "New", "York", "."),
        ("Bob", "👍", "🏽", "left", "."),
    ]
    assert [s.spans for s in sentences] == [
        (EntitySpan(0, 1, "PER"), EntitySpan(3, 5, "LOC")),
        (EntitySpan(0, 1, "PER"),),
    ]
    assert [s.text for s in sentences] == ["Ann  lives in New York.", "Bob 👍🏽 left."]
    assert all(s.text[a:b] == w for s in sentences for w, (a, b) in zip(s.words, s.offsets, strict=True))
    assert [(s.id, s.document, s.unknown) for s in sentences] == [
        ("a.spacy:1:0", "a.spacy:1", ()),
        ("a.spacy:1:25", "a.spacy:1", ()),
    ]
    assert (report.documents, report.entities) == (1, 3)
    assert [s.text for s in read(doc, sentences="none")[0]] == [doc.text]


def test_its_own_sentences_but_not_through_an_entity(read, english):
    doc = Doc(english.vocab, ["a", "b", "c", "d"], sent_starts=[True, False, True, True])
    doc.ents = [Span(doc, 1, 3, "X")]
    assert [s.words for s in read(doc)[0]] == [("a", "b", "c"), ("d",)]


def test_missing_values_are_unknown(read, english):
    doc = english("Ann left Oslo")
    doc.set_ents([Span(doc, 0, 1, "PER")], missing=[Span(doc, 2, 3)], default="outside")
    sentences, report = read(doc, english("Nobody knows"))
    assert [s.unknown for s in sentences] == [(2,), (0, 1)]
    assert report.unknown_words == 3


def test_span_groups_may_nest(read, english):
    doc = english("University of Oslo")
    doc.spans["sc"] = [Span(doc, 2, 3, "LOC"), Span(doc, 0, 3, "ORG")]
    sentences, report = read(doc, spans_key="sc")
    assert (sentences[0].spans, report.nested) == ((EntitySpan(0, 3, "ORG"),), 1)
    with pytest.raises(DataError, match=r"expected the span group 'x', found sc; see spans_key"):
        read(doc, spans_key="x")
    with pytest.raises(DataError, match="expected spans that do not overlap"):
        read(doc, spans_key="sc", overlap="error")


def test_what_is_no_docbin(tmp_path, read, english):
    path = tmp_path / "b.spacy"
    path.write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"b\.spacy: expected a DocBin of spaCy, could load none .*to_disk\(FILE\)"):
        list(SpacyReader().read(path, ReadReport()))
    with pytest.raises(DataError, match="expected a readable file, found a folder"):
        list(SpacyReader().read(tmp_path, ReadReport()))
    with pytest.raises(DataError, match="expected at least one document"):
        read()
    sentences, report = read(english(" "), english("a"))
    assert (len(sentences), report.empty_sentences) == (1, 1)


def test_without_spacy_the_extra_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("spacy"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=r"ner-lightning\[spacy\]"):
        list(SpacyReader().read(tmp_path / "a.spacy", ReadReport()))
