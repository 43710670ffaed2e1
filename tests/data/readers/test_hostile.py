"""Input that broke readers, or that they took in silence: a sentence with its place, whatever the format."""

from __future__ import annotations

import bz2
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.config.catalogue import KINDS
from ner_lightning.data.read_report import ReadReport, SentenceLimit
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.by_ending import ReaderByEnding
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.label_studio import LabelStudioReader
from ner_lightning.data.readers.plain import PlainTextReader
from ner_lightning.data.readers.prodigy import ProdigyReader
from ner_lightning.data.readers.table import TableReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.parquet import ParquetWriter
from ner_lightning.data.writers.spacy import SpacyWriter
from ner_lightning.data.writers.writer import with_texts
from ner_lightning.errors import DataError

DIGITS = "9" * 5000
DEEP = 100_000


def read(reader: Any, path: Path, content: bytes | str) -> tuple[list[Any], ReadReport]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = ReadReport()
    return list(reader.read(path, report)), report


def refused(reader: Any, path: Path, content: bytes | str) -> str:
    with pytest.raises(DataError) as error:
        read(reader, path, content)
    message = str(error.value)
    message.encode()  # it goes into files
    assert "\n" not in message
    return message


JSON_READERS = [JsonlReader(), LabelStudioReader(), ProdigyReader()]


@pytest.mark.parametrize("reader", JSON_READERS, ids=lambda reader: type(reader).__name__)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "Ann", "text": "Bob"}', r"a.json:1: expected each key once in an object, found 'text' twice"),
        (
            '{"text": "Ann", "spans": [{"start": 0, "start": 1, "end": 3, "label": "PER"}]}',
            "a.json:1: expected each key once in an object, found 'start' twice",
        ),
        (f'{{"text": "Ann", "id": {DIGITS}}}', "a.json:1: expected numbers that can be counted, found one of 5000"),
        ('{"text": ' + "[" * DEEP + "]" * DEEP + "}", "a.json:1: expected a JSON object for each record, found bracke"),
        ('{"text": "Ann"}\n\ufeff{"text": "Bob"}', "a.json:2: expected JSON, found a byte order mark (U+FEFF) inside"),
        ('{"text": "\\ud800 Ann"}', "a.json:1: "),
        ('{"id": "\\udcff", "text": "Ann"}', "a.json:1: expected whole characters in the "),
    ],
    ids=["twice", "twice inside", "digits", "deep", "mark", "text", "id"],
)
def test_json_that_a_parser_takes_or_fails_on(tmp_path: Path, reader: Any, content: str, message: str) -> None:
    assert message in refused(reader, tmp_path / "a.json", content)


@pytest.mark.parametrize("label", ["PER ", "\u00a0PER", "P\x00R", "PER\x1b[31m", "P\u202eR", "\ud800", "PER|B-AUTHOR"])
def test_entity_types_that_nobody_can_have_meant(tmp_path: Path, label: str) -> None:
    record = json.dumps({"text": "Ann", "label": [[0, 3, "X"], [0, 3, label]]}) + "\n"
    message = refused(JsonlReader(overlap="longest"), tmp_path / "a.jsonl", record.replace('[0, 3, "X"], ', ""))
    assert "a.jsonl:1: expected " in message
    assert "entity type" in message
    if label.isascii() and "\x00" not in label:
        assert "a.conll:2: expected " in refused(ConllReader(), tmp_path / "a.conll", f"\nAnn\tB-{label}\n")


def test_entity_types_of_any_other_kind_are_read(tmp_path: Path) -> None:
    for label in ("B-movie", "a/b", "person, real", "人名", "precision", "O", "C|D"):
        (sentence,), _ = read(JsonlReader(), tmp_path / "a.jsonl", json.dumps({"text": "A", "label": [[0, 1, label]]}))
        assert sentence.spans[0].label == label


@pytest.mark.parametrize("reader", [ConllReader(), JsonlReader(), PlainTextReader()], ids=lambda r: type(r).__name__)
def test_lines_that_end_in_a_carriage_return_alone(tmp_path: Path, reader: Any) -> None:
    for content in (b"Ann\tB-PER\rleft\tO\r\rOslo\tB-LOC\r", b'{"text": "A"}\r{"text": "B"}\r\r{"text": "C"}\n'):
        assert "found 4 carriage returns alone; write other line ends: tr" in refused(
            reader, tmp_path / "a.txt", content
        ).replace("found 3", "found 4")


@pytest.mark.parametrize("encoding", ["klingon", "base64", "utf-16", "utf-32-le", "idna", "\ud800", "a\0b"])
def test_encodings_that_are_none(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_text("Ann")
    (tmp_path / "a.ann").write_text("T1\tPER 0 3\tAnn\n")
    for reader in (ConllReader(encoding=encoding), JsonlReader(encoding=encoding), BratReader(encoding=encoding)):
        assert "encoding=" in refused(reader, tmp_path / "a.txt", "Ann\tO\n")


def test_a_file_whose_name_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "b\udcff.conll"
    assert "\\udcff" in refused(ConllReader(), path, "Ann\tB-PER\n")
    assert "or the name of the file, in UTF-8" in refused(ConllReader(), path, "Ann\tB-PER\n")


def test_a_byte_order_mark_inside_a_file_is_told(tmp_path: Path) -> None:
    (_, second), report = read(ConllReader(), tmp_path / "a.conll", "Ann\tB-PER\n\n\ufeffBob\tB-PER\n")
    assert second.words == ("\ufeffBob",)
    assert "begins with a byte order mark: files were put together" in str(report.problems[0])
    assert str(report.problems[0]).startswith(f"{tmp_path}/a.conll:3: ")
    text = "\ufeff-DOCSTART- O\n\nAnn\tO\n\n\ufeff-DOCSTART- O\n\n\ufeff# text = Bob\nBob\tB-PER\n"
    sentences, _ = read(ConllReader(), tmp_path / "a.conll", text)
    assert [s.words for s in sentences] == [("Ann",), ("Bob",)]
    assert [s.document for s in sentences] == ["a.conll:1", "a.conll:5"]


@pytest.mark.parametrize(("ending", "pack"), [(".bz2", bz2.compress), (".xz", lzma.compress)])
def test_other_compressions(tmp_path: Path, ending: str, pack: Any) -> None:
    path = tmp_path / f"train.conll{ending}"
    (sentence,), _ = read(ConllReader(), path, pack(b"Ann\tB-PER\n"))
    assert sentence.words == ("Ann",)
    assert f"expected a whole {'xz' if ending == '.xz' else 'bzip2'} file" in refused(ConllReader(), path, b"Ann")
    message = refused(ConllReader(), tmp_path / "a.conll", pack(b"Ann\tB-PER\n"))
    assert "expected a text file, found a" in message


def test_numbers_of_thousands_of_digits(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text(f"T1\tPER 0 {DIGITS}\tAnn\n")
    assert "a.ann:1: expected an annotation such as" in refused(BratReader(), tmp_path / "a.txt", "Ann")
    (first, _), _ = read(ConllReader(), tmp_path / "a.conll", f"{DIGITS} O\n{DIGITS} O\n1 O\n\n2 O\n")
    assert first.words == (DIGITS, DIGITS, "1")


LINES = [f"w{number}" for number in range(11)]
TEXT = " ".join(LINES)
LONG: dict[str, tuple[Any, str, str]] = {
    "conll": (ConllReader(), "a.conll", "".join(f"{word}\tO\n" for word in LINES)),
    "csv": (TableReader(), "a.csv", "Sentence #,Word,Tag\n" + "".join(f"1,{word},O\n" for word in LINES)),
    "text": (PlainTextReader(), "a.txt", f"{TEXT}\n"),
    "jsonl": (JsonlReader(), "a.jsonl", json.dumps({"text": TEXT, "entities": []})),
    "words": (JsonlReader(), "a.jsonl", json.dumps({"words": LINES, "tags": ["O"] * 11})),
    "prodigy": (ProdigyReader(), "a.jsonl", json.dumps({"text": TEXT, "spans": [], "answer": "accept"})),
    "label_studio": (LabelStudioReader(), "a.json", json.dumps([{"data": {"text": TEXT}, "annotations": []}])),
    "brat": (BratReader(), "a.txt", TEXT),
    "auto": (ReaderByEnding(), "a.conll", "".join(f"{word}\tO\n" for word in LINES)),
}


@pytest.mark.parametrize("kind", [*LONG, "hf", "spacy"])
def test_every_reader_obeys_the_limit_on_words_of_a_sentence(tmp_path: Path, kind: str) -> None:
    if kind in LONG:
        reader, name, content = LONG[kind]
        (tmp_path / name).write_text(content)
        path = tmp_path / name
    else:
        pytest.importorskip({"hf": "datasets", "spacy": "spacy"}[kind])
        path = tmp_path / {"hf": "a.parquet", "spacy": "a.spacy"}[kind]
        (ParquetWriter() if kind == "hf" else SpacyWriter()).write(with_texts(iter([Sentence(tuple(LINES))])), path)
        reader = ReaderByEnding().chosen(path)
    for longest in (None, 11):
        (sentence,) = reader.read(path, ReadReport(limit=SentenceLimit(longest)))
        assert sentence.words == tuple(LINES)
    with pytest.raises(DataError, match=r"a\..*: .* at most 10 words, .* or allow more: the\.key=NUMBER"):
        list(reader.read(path, ReadReport(limit=SentenceLimit(10, "the.key"))))


def test_no_reader_of_the_catalogue_is_forgotten() -> None:
    tried = {type(reader).__name__ for reader, _, _ in LONG.values()} | {"HuggingFaceReader", "SpacyReader"}
    assert tried == {name.rpartition(".")[2] for name in KINDS["reader"]}


NODES = [None, 1, "x", [], {}, [1], ["x"], [[]], [{}], {"a": 1}, True, 1.5, [None]]


@pytest.mark.parametrize("node", NODES, ids=repr)
def test_nodes_of_another_type_are_refused_or_nothing(tmp_path: Path, node: Any) -> None:
    """Every place of a task and of a record holds every kind of value: sentences or a DataError, nothing else."""
    region = {"type": "labels", "to_name": "text", "value": {"start": 0, "end": 3, "labels": ["PER"], "text": "Ann"}}
    tasks = [
        {"data": node, "annotations": []},
        {"data": {"text": node}, "annotations": []},
        *({"data": {"text": "Ann", "name": node, "document": node}, "id": node, key: node} for key in ("a", "id")),
        *({"data": {"text": "Ann"}, key: node} for key in ("annotations", "completions")),
        {"data": {"text": "Ann"}, "annotations": [node]},
        {"data": {"text": "Ann"}, "annotations": [{"result": node}]},
        {"data": {"text": "Ann"}, "annotations": [{"result": [node]}]},
        *({"data": {"text": "Ann"}, "annotations": [{"result": [region | {key: node}]}]} for key in region),
        *(
            {"data": {"text": "Ann"}, "annotations": [{"result": [region | {"value": region["value"] | {key: node}}]}]}
            for key in region["value"]
        ),
        {"text": "Ann", "label": [node, {"start": 0, "end": 3, "labels": ["PER"]}], "annotation_id": 3},
    ]
    outcomes = {outcome(LabelStudioReader(), tmp_path / "a.json", json.dumps([task])) for task in tasks}
    assert outcomes == {"read", "refused"}  # of every kind of value there are places that take it and others
    record = {"id": 1, "document": "d", "text": "Ann", "words": ["Ann"], "tags": ["O"], "entities": [], "unknown": []}
    record |= {"offsets": [[0, 3]], "tokens": [], "spans": [], "meta": {}, "answer": "accept"}
    for reader in (JsonlReader(), ProdigyReader()):
        outcomes = {
            outcome(reader, tmp_path / "a.jsonl", json.dumps(kept | {key: node}))
            for key in record
            for kept in (record, {"text": "Ann"}, {"words": ["Ann"]})
        }
        assert outcomes == {"read", "refused"}


def outcome(reader: Any, path: Path, content: str) -> str:
    """Whether a file is read, or refused with its place; any other error is none of a reader."""
    try:
        sentences, report = read(reader, path, content)
    except DataError as error:
        return "refused" if str(error).startswith(f"{path}") else f"refused without a place: {error}"
    return "read" if report.sentences == len(sentences) else "miscounted"
