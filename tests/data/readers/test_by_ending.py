"""What a name and a beginning tell."""

from __future__ import annotations

import gzip
import json

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.by_ending import ReaderByEnding, format_of
from ner_lightning.errors import DataError

COLUMNS = "Ann\tB-PER\n\n"
UNIVERSAL = "# sent_id = 1\n1\tAnn\tB-PER\t-\t-\n\n"
JSON = {
    "jsonl": {"text": "Ann", "label": [[0, 3, "PER"]]},
    "label_studio": {"data": {"text": "Ann"}, "annotations": [{"result": []}]},
    "prodigy": {"text": "Ann", "spans": [], "answer": "accept"},
}
SHORT = {"text": "Ann", "label": [{"start": 0, "end": 3, "labels": ["PER"]}], "id": 1}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        *((f"a{ending}", COLUMNS, "conll") for ending in (".conll", ".BIO", ".bmes", ".tsv", ".txt", ".iob2")),
        ("a.iob2", UNIVERSAL, "iob2"),
        *((f"a{ending}", json.dumps(record), kind) for ending in (".json", ".jsonl") for kind, record in JSON.items()),
        *(("a.json", json.dumps([record], indent=1), kind) for kind, record in JSON.items()),
        ("a.json", json.dumps([SHORT]), "label_studio"),
        ("a.csv", "Sentence #,Word,POS,Tag\n", "csv"),
        ("a.tsv", "word\ttag\nAnn\tO\n", "csv"),
        ("a.tsv", "1\tAnn\tB-PER\tO\n2\tLee\tI-PER\tO\n3\tleft\tO\tO\n", "iob2"),
        ("a.tsv", "1\tCD\tO\nman\tNN\tO\n", "conll"),
        ("a.conllu", "1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n1\tde\tde\t_\t_\t_\t_\t_\t_\tNER=O\n", "conllu"),
        ("a.conllu", UNIVERSAL, "iob2"),
        ("a.json", '[["Ann", {"entities": []}]]', "jsonl"),
        ("a.json", '[{"tokenized_text": ["Ann"], "ner": []}]', "jsonl"),
        ("a.spacy", "", "spacy"),
        ("a.parquet", "", "hf"),
    ],
)
def test_files(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert format_of(tmp_path / name) == expected


def test_compressed_and_brat(tmp_path):
    (tmp_path / "a.txt").write_text("Ann")
    (tmp_path / "a.ann").write_text("T1\tPER 0 3\tAnn\n")
    assert [format_of(tmp_path / name) for name in ("a.txt", "a.ann", ".")] == ["brat"] * 3
    for ending in (".gz", ".bz2", ".XZ"):
        (tmp_path / f"b.spacy{ending}").write_bytes(b"")
        assert format_of(tmp_path / f"b.spacy{ending}") == "spacy"
    (tmp_path / "b.conll.gz").write_bytes(gzip.compress(b"Ann\tO\n"))
    assert format_of(tmp_path / "b.conll.gz") == "conll"


def test_text_is_what_the_command_takes_it_for(tmp_path):
    for name in ("a.txt", "a", "a.txt.gz"):
        (tmp_path / name).write_bytes(b"")
        assert format_of(tmp_path / name, text="text") == "text"
    (tmp_path / "a.tsv").write_text(COLUMNS)
    assert format_of(tmp_path / "a.tsv", text="text") == "conll"


def test_what_shows_no_format(tmp_path):
    def refused(path, message):
        with pytest.raises(DataError, match=message):
            format_of(path)

    refused(tmp_path / "no", "expected a file or folder, found none")
    refused(tmp_path, "found a folder with nothing; name a file")
    (tmp_path / "eng.train").write_text(COLUMNS)
    refused(tmp_path / "eng.train", "found the ending '.train'; give from=conll")
    refused(tmp_path, "found a folder with eng.train; name a file")
    (tmp_path / "a.json").write_text("")
    refused(tmp_path / "a.json", "expected at least one record, found none")


@pytest.mark.parametrize(("kind", "record"), [*JSON.items(), ("label_studio", SHORT)])
def test_what_was_told_is_read_with_the_options(tmp_path, kind, record):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([record]))
    reader = ReaderByEnding(misaligned="drop", overlap="longest").chosen(path)
    assert (reader.misaligned, reader.overlap) == ("drop", "longest")
    (sentence,) = ReaderByEnding().read(path, ReadReport())
    assert sentence.words == ("Ann",)


def test_columns_are_read_with_the_options(tmp_path):
    (tmp_path / "a.iob2").write_text(UNIVERSAL)
    (sentence,) = ReaderByEnding().read(tmp_path / "a.iob2", ReadReport())
    assert (sentence.words, len(sentence.spans)) == (("Ann",), 1)
    (tmp_path / "a.conll").write_text("Ann\tI-PER\n\nBob\tB-PER\nLee\tI-PER\n\nx\tB-LOC\n")
    with pytest.raises(DataError, match="forbids"):
        list(ReaderByEnding(repair="error").read(tmp_path / "a.conll", ReadReport()))


@pytest.mark.parametrize("option", ["words", "sentences", "positions", "misaligned", "overlap", "repair"])
def test_misspelt_options(option):
    with pytest.raises(ValueError, match="found 'x'"):
        ReaderByEnding(**{option: "x"})
