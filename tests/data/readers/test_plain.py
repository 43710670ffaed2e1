"""Plain text: places kept, nothing silently lost."""

from __future__ import annotations

import tracemalloc

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.plain import PlainTextReader
from ner_lightning.errors import DataError


def read(path, text, **options):
    path.write_bytes(text.encode())
    report = ReadReport()
    return list(PlainTextReader(**options).read(path, report)), report


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("words", ("Ann's", "\u3000", "here\xa0now.")),
        ("punctuation", ("Ann", "'", "s", "here", "now", ".")),
        ("characters", tuple("Ann's\u3000here\xa0now.")),
    ],
)
def test_units(tmp_path, units, words):
    text = "Ann's \u3000  here\xa0now."
    sentences, report = read(tmp_path / "in.txt", f"{text}\r\n", units=units)
    assert sentences[0].words == words
    assert sentences[0].text == text
    assert tuple(text[a:b] for a, b in sentences[0].offsets) == words
    assert sentences[0].unknown == tuple(range(len(words)))
    assert report.words == len(words)


def test_lines_keep_their_numbers(tmp_path):
    sentences, report = read(tmp_path / "in.txt", "a\n\n \nb\u2028c\n")
    assert [(s.id, s.words) for s in sentences] == [("in.txt:1", ("a",)), ("in.txt:4", ("b\u2028c",))]
    assert report.empty_sentences == 2
    assert str(report.problems[0]).endswith("in.txt:2: left out: a line without words")


def test_empty_file_and_misspelt_option(tmp_path):
    with pytest.raises(DataError, match="found none"):
        read(tmp_path / "in.txt", "\n\n")
    with pytest.raises(ValueError, match="found 'x'"):
        PlainTextReader(units="x")


def test_streams(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("some words of a line\n" * 500_000)  # 10 MB
    tracemalloc.start()
    report = ReadReport()
    for _ in zip(range(200), PlainTextReader().read(path, report), strict=False):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size
