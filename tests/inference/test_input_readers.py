"""What predict reads: the formats of all commands, and text split as the training data are."""

from __future__ import annotations

import bz2
import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.data.readers.by_ending import ReaderByEnding
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.plain import PlainTextReader
from ner_lightning.inference.file_tagging import tag_file
from ner_lightning.inference.tagger import Tagger
from tests.runs import records

COLUMNS = "Ann\tB-WRONG\nLee\tnonsense\nleft\tO\nOslo\tO\n.\tO\n\n"
CONLLU = "1-2\tAnn Lee\t_\t_\t_\t_\t_\t_\t_\t_\n" + "".join(
    f"{i}\t{word}\t{word}\tX\t_\t_\t0\t_\t_\t_\n" for i, word in enumerate(("Ann", "Lee", "left", "Oslo", "."), 1)
)
TABLE = "Sentence #,Word,POS,Tag\nSentence: 1,Ann,NNP,B\n,Lee,NNP,I\n,left,VBD,O\n,Oslo,NNP,O\n,.,.,O\n"
JSON = json.dumps({"text": "Ann Lee left Oslo .", "label": [[0, 99, "X"]]})
GLINER = json.dumps([{"tokenized_text": ["Ann", "Lee", "left", "Oslo", "."], "ner": [[7, 9, "x"]]}])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", COLUMNS),
        ("a.conllu", CONLLU),
        ("a.csv", TABLE),
        ("a.ndjson", JSON),
        ("a.json", GLINER),
        ("a.txt", "Ann Lee left Oslo .\n"),
        ("a.unknown", "Ann Lee left Oslo .\n"),
        ("a.conll.gz", gzip.compress(COLUMNS.encode(), mtime=0)),
        ("a.txt.bz2", bz2.compress(b"Ann Lee left Oslo .\n")),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_every_ending_is_read_as_its_format(easy: Tagger, tmp_path: Path, name: str, content: str | bytes) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = tag_file(easy, str(tmp_path / name), str(tmp_path / "out.conll"))
    assert done.sentences == 1
    text = (tmp_path / "out.conll").read_text()
    assert text == "Ann\tB-PER\nLee\tE-PER\nleft\tO\nOslo\tS-LOC\n.\tO\n\n"


def test_the_reader_that_is_asked_for(easy: Tagger, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("B-X\tOslo\n\n")
    tag_file(easy, str(tmp_path / "a.txt"), str(tmp_path / "out.conll"), reader=ConllReader(1, 0))
    assert (tmp_path / "out.conll").read_text() == "Oslo\tS-LOC\n\n"
    tag_file(easy, str(tmp_path / "a.txt"), str(tmp_path / "text.conll"), reader=ReaderByEnding())
    lines = (tmp_path / "text.conll").read_text().splitlines()
    assert [line.partition("\t")[0] for line in lines] == ["B-X", "Oslo", ""]


def entities(path: Path) -> list[list[str]]:
    return [[entity["text"] for entity in record["entities"]] for record in records(path)]


@pytest.mark.parametrize("name", ["in.txt", "in.jsonl"])
def test_text_is_split_as_the_training_data_are(
    easy: Tagger, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["In Oslo, Ann Lee left Rome.", "Kyiv!"]
    text = "\n".join(lines if name == "in.txt" else [json.dumps({"text": line}) for line in lines])
    (tmp_path / name).write_text(text)
    with caplog.at_level(logging.INFO):
        tag_file(easy, str(tmp_path / name), str(tmp_path / "out.jsonl"))
    assert entities(tmp_path / "out.jsonl") == [["Oslo", "Ann Lee", "Rome"], ["Kyiv"]]
    assert "split at punctuation marks too, as the training data are (units=words: at spaces alone)" in caplog.text


def test_text_that_is_split_already_is_left_alone(
    easy: Tagger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in.txt").write_text("In Oslo , Ann Lee 's St. Rome .\n")
    with caplog.at_level(logging.INFO):
        tag_file(easy, str(tmp_path / "in.txt"), str(tmp_path / "out.conll"))
    words = [line.partition("\t")[0] for line in (tmp_path / "out.conll").read_text().split("\n") if line]
    assert words == ["In", "Oslo", ",", "Ann", "Lee", "'s", "St.", "Rome", "."]
    assert "split at" not in caplog.text


def test_the_library_splits_likewise(easy: Tagger, easy_run: Path) -> None:
    assert [entity.text for entity in easy("Ann Lee left Oslo.")] == ["Ann Lee", "Oslo"]
    assert easy.units_for(["Ann Lee left Oslo."]) == "punctuation"
    at_spaces = Tagger.load(easy_run, units="words")
    assert at_spaces.units_for(["Ann Lee left Oslo."]) == "words"


def test_a_checkpoint_that_does_not_say_how_it_was_trained(
    easy: Tagger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(easy, "_marks_are_words", None)
    assert easy.units_for(["Ann Lee left Oslo."]) == "words"
    assert "units=punctuation" in caplog.text


def test_plain_text_by_its_script(tmp_path: Path) -> None:
    from ner_lightning.data.read_report import ReadReport

    def words(text: str) -> Any:
        (tmp_path / "a.txt").write_text(text)
        return next(PlainTextReader("auto").read(tmp_path / "a.txt", ReadReport())).words

    assert words("Ann left.") == ("Ann", "left", ".")
    assert words("安在北京") == ("安", "在", "北", "京")
