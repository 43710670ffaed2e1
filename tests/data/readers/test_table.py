"""Tables as Kaggle has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.table import TableReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError

KAGGLE = (
    "Sentence #,Word,POS,Tag\r\nSentence: 1,Thousands,NNS,O\r\n,of,IN,O\r\n,London,NNP,B-geo\r\n"
    ',",",",",O\r\nSentence: 2,"""",``,O\r\n,George,NNP,B-per\r\n,Bush\x92s,NNP,I-per\r\n'
)
LONG = (
    ",lemma,next-word,sentence_idx,shape,word,tag\n0,thousand,of,1.0,capitalized,Thousands,O\n"
    "1,of,demonstr,1.0,lowercase,of,B-geo\n2,famili,of,2.0,capitalized,Families,O\n"
)


def read(path: Path, content: str | bytes, **options: Any) -> tuple[list[Sentence], ReadReport]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = ReadReport()
    return list(TableReader(**options).read(path, report)), report


def test_the_ner_dataset_of_kaggle(tmp_path: Path) -> None:
    raw = KAGGLE.encode("latin-1")
    with pytest.raises(DataError, match=r"ner\.csv:8: expected utf-8 text, found byte 0x92 .*name its encoding"):
        read(tmp_path / "ner.csv", raw)
    (first, second), report = read(tmp_path / "ner.csv", raw, encoding="cp1252")
    assert first.words == ("Thousands", "of", "London", ",")
    assert second.words == ('"', "George", "Bush’s")
    assert [tuple(second.spans[0]), tuple(first.spans[0])] == [(1, 3, "per"), (2, 3, "geo")]
    assert [s.id for s in (first, second)] == ["ner.csv:Sentence: 1", "ner.csv:Sentence: 2"]
    assert (report.scheme, report.sentences, report.words, report.entities) == ("IOB2", 2, 7, 2)


def test_a_number_in_every_row(tmp_path: Path) -> None:
    sentences, _ = read(tmp_path / "a.csv", LONG)
    assert [s.words for s in sentences] == [("Thousands", "of"), ("Families",)]


def test_columns_by_name_and_number(tmp_path: Path) -> None:
    text = "s;w;t\n1;Ann;B-PER\n1;left;O\n2;Oslo;\n"
    sentences, report = read(tmp_path / "a.csv", text, word_column="w", tag_column="t", sentence_column="s")
    assert [s.words for s in sentences] == [("Ann", "left"), ("Oslo",)]
    assert (sentences[1].unknown, report.unknown_words) == ((0,), 1)
    sentences, _ = read(tmp_path / "a.csv", "Ann,NNP,B-PER\nleft,VBD,O\n\n,,\nOslo,NNP,B-LOC\n")
    assert [(s.words, len(s.spans)) for s in sentences] == [(("Ann", "left"), 1), (("Oslo",), 1)]
    sentences, _ = read(tmp_path / "a.csv", "B-PER\tAnn\n", word_column=1, tag_column=0)
    assert sentences[0].spans[0].label == "PER"
    sentences, _ = read(tmp_path / "a.csv", "word,tag\nAnn,B\n", type="PER")
    assert sentences[0].spans[0].label == "PER"
    sentences, report = read(tmp_path / "a.csv", "word,tag\nAnn,nonsense\n", tags=False)
    assert (sentences[0].unknown, report.scheme) == ((0,), "")


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "found none: the file is empty"),
        ("word,tag\n", {}, "the table has no rows"),
        (
            "word,pos\nAnn,NNP\n",
            {"tag_column": "ner"},
            "expected a column called ner, found word, pos; name it: tag_col",
        ),
        ("Ann,O\n", {"tag_column": 4}, "tag_column=4: expected a column from 0 to 1"),
        ("word,tag\nAnn\n", {}, r"a\.csv:2: expected 2 cells, one with a word, found 1: 'Ann'"),
        ("word,tag\n,O\n", {}, r"a\.csv:2: expected 2 cells, one with a word, found no word"),
        ("word,tag\nAnn,PER\nBob,B-PER\n", {}, r"a\.csv:2: expected the tag O or a letter.*found 'PER'"),
        ("Ann\n", {}, "expected a column of words and one of tags, found 1 cells"),
        (
            'word,tag\nAnn,O\n",O\n' + "x,O\n" * 200,
            {},
            r"a\.csv:3: expected a row, found one of 201 lines: a quotation",
        ),
        ('word,tag\nAnn,O\n",O\n' + "x,O\n" * 90_000, {}, r"a\.csv:3: expected rows of a table, found: field larger"),
        (
            "word,tag\n\"['Ann', 'left']\",\"['B-PER', 'O']\"\n",
            {},
            r"a\.csv:2: expected a word and its tag a row, found li",
        ),
        ("word,tag\nAnn,B\n", {}, "type=Disease"),
    ],
)
def test_what_cannot_be_read_names_its_place(
    tmp_path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.csv", content, **options)


@pytest.mark.parametrize("option", [{"delimiter": "x"}, {"scheme": "X"}, {"repair": "fix"}])
def test_misspelt_options(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="found"):
        TableReader(**option)
