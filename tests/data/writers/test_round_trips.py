"""Spans to any format to spans: what the format can hold comes back, whatever the text."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.hf import HuggingFaceReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.label_studio import LabelStudioReader
from ner_lightning.data.readers.prodigy import ProdigyReader
from ner_lightning.data.readers.spacy import SpacyReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.words import SPLIT_RULES, split_words
from ner_lightning.data.writers.brat import BratWriter
from ner_lightning.data.writers.columns import ConllWriter
from ner_lightning.data.writers.json_lines import JsonlWriter
from ner_lightning.data.writers.parquet import ParquetWriter
from ner_lightning.data.writers.records import CluenerWriter, DoccanoWriter, LabelStudioWriter, ProdigyWriter
from ner_lightning.data.writers.spacy import SpacyWriter
from ner_lightning.data.writers.writer import is_unannotated
from ner_lightning.tagging import EntitySpan

PIECES = [
    *("a", "Bc", "1", "é", "e\u0301", "北", "京", "Ａ", "ש", "ل", "👍🏽", "👨\u200d👩\u200d👧", "🇳🇴"),
    *(" ", " ", "  ", "\n", "\r\n", "\t", "\u3000", "\xa0", "\u2028", "\u200f", "\ufe0f", "\ufeff"),
    *(".", "!", "…", "．", '"', "\\"),
]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=14).map("".join)
TYPES = st.sampled_from(["PER", "LOC", "creative-work", "地名"])
WHOLE = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def corpora(draw, rule, texts=TEXTS):
    """Sentences whose words are those of a rule, with documents that do not come back later."""
    corpus = []
    for number, text in enumerate(draw(st.lists(texts, min_size=1, max_size=3))):
        offsets = split_words(text, rule)
        if not offsets:
            continue
        words = tuple(text[start:end] for start, end in offsets)
        edges = sorted(draw(st.sets(st.integers(0, len(words)), max_size=6)))
        spans = tuple(EntitySpan(a, b, draw(TYPES)) for a, b in zip(edges[::2], edges[1::2], strict=False))
        nobody = not spans and draw(st.booleans())
        unknown = tuple(range(len(words))) if nobody else ()
        corpus.append(Sentence(words, spans, unknown, f"s{number}", f"d{number}", text, offsets))
    return corpus


def there_and_back(corpus, writer, reader, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        written = writer.write(iter(corpus), path)
        report = ReadReport()
        found = list(reader.read(path, report)) if corpus else []
        assert (written.sentences, written.entities) == (len(corpus), sum(len(s.spans) for s in corpus))
        assert (report.misaligned, report.overlapping, report.nested, report.discontinuous) == (0, 0, 0, 0)
        return found, written


def without(sentence, *names):
    blank = {"id": "", "document": "", "text": None, "offsets": None, "unknown": ()}
    return replace(sentence, **{name: blank[name] for name in names})


UTF16 = {"positions": "utf16"}
# Formats of texts: words are split again by the rule, all else comes back.
TEXT_FORMATS = {
    "doccano": (DoccanoWriter, JsonlReader, "a.jsonl", ()),
    "doccano-utf16": (lambda: DoccanoWriter("utf16"), lambda **o: JsonlReader(**o | UTF16), "a.jsonl", ()),
    "jsonl": (lambda: JsonlWriter(words=False), JsonlReader, "a.jsonl", ()),
    "cluener": (CluenerWriter, JsonlReader, "a.json", ("id", "document")),
    "label_studio": (LabelStudioWriter, LabelStudioReader, "a.json", ()),
    "brat": (BratWriter, BratReader, "folder", ("id",)),
}


@pytest.mark.parametrize("name", TEXT_FORMATS)
@pytest.mark.parametrize("rule", SPLIT_RULES)
@WHOLE
@given(data=st.data())
def test_formats_of_texts(name, rule, data):
    write, read, file, lost = TEXT_FORMATS[name]
    corpus = data.draw(corpora(rule))
    reader = read(words=rule, sentences="none", positions="characters")
    found, written = there_and_back(corpus, write(), reader, file)
    assert [without(s, *lost) for s in found] == [without(s, *lost) for s in corpus]
    assert written.unknown_lost == 0


# Formats with words: these come back as they were.
WORD_FORMATS = {
    "jsonl": (JsonlWriter, JsonlReader, "a.jsonl", ()),
    "prodigy": (ProdigyWriter, ProdigyReader, "a.jsonl", ()),
    "spacy": (SpacyWriter, SpacyReader, "a.spacy", ()),
    "parquet": (
        ParquetWriter,
        lambda: HuggingFaceReader(id_key="id", document_key="document"),
        "a.parquet",
        ("text", "offsets", "unknown"),
    ),
    "conll": (ConllWriter, ConllReader, "a.conll", ("id", "document", "text", "offsets")),
}


@pytest.mark.parametrize("name", WORD_FORMATS)
@pytest.mark.parametrize("rule", SPLIT_RULES)
@WHOLE
@given(data=st.data())
def test_formats_of_words(name, rule, data):
    write, read, file, lost = WORD_FORMATS[name]
    corpus = data.draw(corpora(rule))
    if name == "prodigy":  # tokens of white space alone are spaCy's, no words
        corpus = [s for s in corpus if all(split_words(word, "whitespace") for word in s.words)]
    found, _ = there_and_back(corpus, write(), read(), file)
    assert [without(s, *lost) for s in found] == [without(s, *lost) for s in corpus]


@WHOLE
@given(corpus=corpora("whitespace"), data=st.data())
def test_words_that_nobody_annotated(corpus, data):
    """Partial labels come back where the format has a place for them, and are counted where it has none."""
    free = [[i for i in range(len(s.words)) if not any(a <= i < b for a, b, _ in s.spans)] for s in corpus]
    partial = [
        replace(s, unknown=tuple(sorted(data.draw(st.sets(st.sampled_from(f)) if f else st.just(set())))))
        for s, f in zip(corpus, free, strict=True)
    ]
    for name in ("jsonl", "spacy", "conll"):
        write, read, file, _ = WORD_FORMATS[name]
        found, written = there_and_back(partial, write(), read(), file)
        assert [s.unknown for s in found] == [s.unknown for s in partial], name
        assert written.unknown_lost == 0
    lost = sum(len(s.unknown) for s in partial if not is_unannotated(s))
    for name in ("doccano", "label_studio", "brat", "cluener"):
        write, read, file, _ = TEXT_FORMATS[name]
        assert (
            there_and_back(partial, write(), read(words="whitespace", sentences="none"), file)[1].unknown_lost == lost
        )


def test_brat_folder(tmp_path):
    def sentence(text, document, *spans):
        offsets = split_words(text, "whitespace")
        return Sentence(tuple(text[a:b] for a, b in offsets), spans, (), "", document, text, offsets)

    corpus = [
        sentence("Ann left .", "news/1", EntitySpan(0, 1, "PER")),
        sentence("Oslo is\nbig", "news/1", EntitySpan(0, 3, "LOC")),
        sentence("x", "../../escape", EntitySpan(0, 1, "X")),
        sentence("y", "a b"), sentence("z", "a/b"), sentence("w", "A_b"),
        *(sentence(f"w{i}", "") for i in range(101)),
    ]  # fmt: skip
    BratWriter().write(corpus, tmp_path / "out")
    files = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_text() for path in (tmp_path / "out").rglob("*.*")
    }
    assert files["news/1.txt"] == "Ann left .\nOslo is\nbig\n"
    assert files["news/1.ann"] == "T1\tPER 0 3\tAnn\nT2\tLOC 11 18;19 22\tOslo is big\n"
    assert files["annotation.conf"].startswith("[entities]\nPER\nLOC\nX\n[relations]\n")
    assert files["escape.txt"] == "x"
    assert {"a_b.txt", "a/b.txt", "A_b-2.txt", "out-00001.txt", "out-00002.txt"} <= set(files)
    assert files["out-00002.txt"] == "w100"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    found = list(BratReader(sentences="lines", words="whitespace").read(tmp_path / "out", ReadReport()))
    assert {(s.words, s.spans) for s in found} == {(s.words, s.spans) for s in corpus}
    with pytest.raises(ValueError, match="expected types without spaces for brat, found 'creative work'"):
        BratWriter().write([sentence("a", "d", EntitySpan(0, 1, "creative work"))], tmp_path / "more")


def test_label_studio_names(tmp_path):
    sentence = Sentence(("Ann",), (EntitySpan(0, 1, "PER"),), (), "s1", "d1", "Ann", ((0, 3),))
    LabelStudioWriter("ner", "body").write([sentence], tmp_path / "a.json")
    (task,) = json.loads((tmp_path / "a.json").read_text())
    (region,) = task["annotations"][0]["result"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("ner", "body", "labels")
    assert region["value"] == {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}


def test_spacy_tokens_are_the_text(tmp_path):
    spacy = pytest.importorskip("spacy")
    text = " Ann  left\n\nOslo\u3000! "
    offsets = split_words(text, "punctuation")
    words = tuple(text[a:b] for a, b in offsets)
    SpacyWriter().write(
        [Sentence(words, (EntitySpan(2, 3, "LOC"),), (1,), "s", "d", text, offsets)], tmp_path / "a.spacy"
    )
    (doc,) = spacy.tokens.DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.blank("en").vocab)
    assert doc.text == text
    assert [(e.text, e.label_) for e in doc.ents] == [("Oslo", "LOC")]
    assert [t.text for t in doc if t.ent_iob == 0] == ["left"]
    assert len(list(doc.sents)) == 1
