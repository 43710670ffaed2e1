"""Real corpora through every format: entities come back with their words, or are counted where a rule cuts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.data.conversion import convert_file
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.by_ending import ReaderByEnding
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.writers.brat import BratWriter
from ner_lightning.data.writers.by_ending import WriterByEnding
from ner_lightning.data.writers.records import CluenerWriter, DoccanoWriter, LabelStudioWriter, ProdigyWriter

pytestmark = pytest.mark.corpora

FILES = [
    "wnut17/test",
    "conll2003/dev",
    "uner-en-pud/test",
    "uner-zh-pud/test",
    "youku-zh/dev",
    "cluener/dev",
    "resume-zh/dev",
]
WORDS = {
    "a.jsonl": WriterByEnding(),
    "a.spacy": WriterByEnding(),
    "a.parquet": WriterByEnding(),
    "p.jsonl": ProdigyWriter(),
}
TEXTS = {"d.jsonl": DoccanoWriter(), "c.json": CluenerWriter(), "l.json": LabelStudioWriter(), "brat": BratWriter()}


def reader_of(path: Path) -> ReaderByEnding:
    """The corpora's own: their files of Universal NER end in .iob2, those of columns in .conll or .bmes."""
    return ReaderByEnding().chosen(path)


def content(reader, path):
    report = ReadReport()
    return [(s.words, s.spans) for s in reader.read(path, report)], report


@pytest.mark.parametrize("name", FILES)
def test_words_and_entities_come_back(corpora: Path, tmp_path: Path, name: str) -> None:
    source = next(corpora.glob(f"{name}.*"))
    expected, _ = content(reader_of(source), source)
    for file, writer in WORDS.items():
        convert_file(ReaderByEnding(), writer, str(source), str(tmp_path / file))
        found, report = content(ReaderByEnding(), tmp_path / file)
        assert found == expected, file
        assert report.problems == []


@pytest.mark.parametrize("name", FILES)
def test_entities_come_back_as_texts(corpora: Path, tmp_path: Path, name: str) -> None:
    """Of formats without words: the same surfaces in the same order, all on words that white space or rules give."""
    source = next(corpora.glob(f"{name}.*"))
    convert_file(ReaderByEnding(), WriterByEnding(), str(source), str(tmp_path / "whole.jsonl"))
    expected = surfaces(JsonlReader(), tmp_path / "whole.jsonl")
    for file, writer in TEXTS.items():
        convert_file(ReaderByEnding(), writer, str(source), str(tmp_path / file))
        reader = ReaderByEnding(sentences="lines" if file == "brat" else "none", misaligned="error").chosen(
            tmp_path / file
        )
        assert sorted(surfaces(reader, tmp_path / file)) == sorted(expected), file


def surfaces(reader, path):
    found = []
    for sentence in reader.read(path, ReadReport()):
        for start, end, label in sentence.spans:
            found.append((sentence.text[sentence.offsets[start][0] : sentence.offsets[end - 1][1]], label))
    return found
