"""What the readers had to decide, told from their reports of real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.inspection.corpus import read_corpus
from ner_lightning.inspection.findings.reading import find_dropped
from ner_lightning.inspection.inspection import Inspection, inspect_corpus
from ner_lightning.inspection.settings import InspectionSettings
from tests.inspection.made import parts, rows

CONLL = {"_target_": "ner_lightning.data.readers.conll.ConllReader"}
JSONL = {"_target_": "ner_lightning.data.readers.jsonl.JsonlReader"}


def read(folder: Path, reader: dict[str, Any]) -> Inspection:
    node = {"dir": str(folder), "reader": reader, "train": None, "dev": None, "test": None}
    with read_corpus(node | {"limit": None, "units": "words"}) as corpus:
        return inspect_corpus(corpus)


def test_illegal_tags_by_step_and_what_repair_did(tmp_path: Path) -> None:
    regular = "a B-PER\nb I-PER\nc O\n\n" * 9
    (tmp_path / "train.txt").write_text(f"{regular}a O\nb I-LOC\n\na I-PER\nb I-LOC\n\nc O\nd I-LOC\n\n")
    (tmp_path / "test.txt").write_text(regular)
    found = read(tmp_path, CONLL | {"scheme": "IOB2"})
    assert parts(found, "illegal") == {"train": (4, 45), "test": (0, 36)}
    assert {row[0]: (*row[1:5], str(row[5]).partition(":")[0]) for row in rows(found, "illegal")} == {
        "O → I-LOC": ("IOB2", "train", 2, "train.txt:38", "conlleval"),
        "the start → I-PER": ("IOB2", "train", 1, "train.txt:40", "conlleval"),
        "I-PER → I-LOC": ("IOB2", "train", 1, "train.txt:41", "conlleval"),
    }
    assert rows(found, "illegal")[0][3] == 2  # the most frequent step first
    assert found.splits["train"]["entities"] == 9 + 4
    discarded = read(tmp_path, CONLL | {"scheme": "IOB2", "repair": "discard"})
    assert discarded.splits["train"]["entities"] == 9
    assert rows(discarded, "illegal")[0][5] == "discard: the entity is left out"


def test_spans_that_words_or_flat_tags_cannot_hold(tmp_path: Path) -> None:
    text = "Ann Lee lives in Oslo."
    records: list[dict[str, Any]] = [
        {"text": text, "label": [[0, 7, "PER"], [17, 21, "LOC"]]},
        {"text": text, "label": [[0, 6, "PER"], [3, 4, "LOC"]]},
        {"text": text, "label": [[0, 7, "PER"], [4, 13, "ORG"]]},
        {"text": " ", "label": []},
    ]
    (tmp_path / "train.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    found = read(tmp_path, JSONL)
    assert parts(found, "misaligned")["train"][0] == 2
    assert [row[0] for row in rows(found, "misaligned")] == ["train.jsonl:2"] * 2
    assert parts(found, "overlapping")["train"] == (1, 5)
    assert [row[0] for row in rows(found, "overlapping")] == ["train.jsonl:3"]
    assert parts(found, "empty")["train"] == (1, 4)
    assert [row[0] for row in rows(found, "empty")] == ["train.jsonl:4"]
    assert parts(found, "nested")["train"][0] == 0
    assert found.finding("illegal").why_not == "the files have spans, not tags"


def test_a_text_that_speaks_of_problems_is_none(tmp_path: Path) -> None:
    """What a problem is was known when it was noted; the words that it quotes say nothing of it."""
    text = "He wrote about nested loops and pieces of art in Oslo."
    record = {"text": text, "label": [[9, 27, "A"], [15, 31, "B"], [28, 41, "C"], [32, 45, "D"]]}
    (tmp_path / "train.jsonl").write_text(json.dumps(record) + "\n")
    found = read(tmp_path, JSONL)
    for name in ("misaligned", "overlapping", "nested", "discontinuous", "rejected", "empty"):
        finding = found.finding(name)
        assert len(finding.listing.rows) == finding.count, name
        assert finding.listing.unlisted == 0, name
    assert (found.finding("nested").count, found.finding("overlapping").count) == (0, 2)


def test_a_type_that_speaks_of_schemes_is_a_type(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("a\tB-day after day\nb\tI-year\n\n" + "b\tB-PER\nc\tI-PER\n\n" * 9)
    found = read(tmp_path, CONLL | {"scheme": "IOB2"})
    assert rows(found, "illegal")[0][:5] == ("B-day after day → I-year", "IOB2", "train", 1, "train.conll:2")


def test_records_refused_and_spans_of_several_pieces(tmp_path: Path) -> None:
    records = [{"text": "Ann left", "spans": [], "answer": answer} for answer in ("accept", "reject", "ignore")]
    (tmp_path / "train.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    found = read(tmp_path, {"_target_": "ner_lightning.data.readers.prodigy.ProdigyReader"})
    assert parts(found, "rejected")["train"] == (2, 3)
    assert [row[0] for row in rows(found, "rejected")] == ["train.jsonl:2", "train.jsonl:3"]
    (tmp_path / "a.txt").write_text("Ann and Bob Lee left\n")
    (tmp_path / "a.ann").write_text("T1\tPER 0 3;12 15\tAnn Lee\n")
    report = ReadReport()
    assert list(BratReader().read(tmp_path / "a.txt", report))
    (pieces,) = (f for f in find_dropped({"train": report}, InspectionSettings()) if f.name == "discontinuous")
    assert (pieces.count, len(pieces.listing.rows)) == (1, 1)
