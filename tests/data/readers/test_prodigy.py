"""Prodigy: tokens, spans and answers."""

from __future__ import annotations

import json

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.prodigy import ProdigyReader
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan

RECORD = {
    "text": "Ann  left New York.",
    "_input_hash": 1,
    "_task_hash": 2,
    "tokens": [
        {"text": "Ann", "start": 0, "end": 3, "id": 0, "ws": True},
        {"text": " ", "start": 4, "end": 5, "id": 1, "ws": False},
        {"text": "left", "start": 5, "end": 9, "id": 2, "ws": True},
        {"text": "New", "start": 10, "end": 13, "id": 3, "ws": True},
        {"text": "York", "start": 14, "end": 18, "id": 4, "ws": False},
        {"text": ".", "start": 18, "end": 19, "id": 5, "ws": False},
    ],
    "spans": [{"start": 10, "end": 18, "token_start": 3, "token_end": 4, "label": "LOC"}],
    "answer": "accept",
    "meta": {"id": "s1", "document": "d1", "score": 0.5},
}


@pytest.fixture
def read(tmp_path):
    def reading(*records, **options):
        path = tmp_path / "a.jsonl"
        path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in records), encoding="utf-8")
        report = ReadReport()
        return list(ProdigyReader(**options).read(path, report)), report

    return reading


def test_a_record(read):
    (sentence,), report = read(RECORD)
    assert sentence.words == ("Ann", "left", "New", "York", ".")
    assert sentence.spans == (EntitySpan(2, 4, "LOC"),)
    assert (sentence.id, sentence.document, sentence.text) == ("s1", "d1", RECORD["text"])
    assert (report.documents, report.problems) == (1, [])


def test_answers(read):
    records = [RECORD, RECORD | {"answer": "reject"}, RECORD | {"answer": "ignore"}]
    sentences, report = read(*records)
    assert (len(sentences), report.rejected) == (1, 2)
    assert str(report.problems[0]).endswith("a.jsonl:2: left out: a record with the answer 'reject'")
    assert len(read(*records, answers=["accept", "ignore"])[0]) == 2
    with pytest.raises(DataError, match="expected a record with the answer accept, found 1 others"):
        read(RECORD | {"answer": "ignore"})
    with pytest.raises(ValueError, match="found 'yes'"):
        ProdigyReader(answers=["yes"])


def test_an_accepted_record_without_spans_has_none_and_one_without_answer_is_not_annotated(read):
    bare = {"text": "Ann left"}
    sentences, _ = read(bare | {"answer": "accept"}, bare)
    assert [s.unknown for s in sentences] == [(), (0, 1)]


def test_positions_are_those_of_python(read):
    record = {"text": "👍 Oslo", "spans": [{"start": 2, "end": 6, "label": "LOC"}], "answer": "accept"}
    assert read(record)[0][0].spans == (EntitySpan(1, 2, "LOC"),)


def test_spans_that_cut_tokens(read):
    cut = RECORD | {"spans": [{"start": 11, "end": 18, "label": "LOC"}]}
    sentences, report = read(cut)
    assert (sentences[0].spans, report.misaligned) == ((EntitySpan(2, 4, "LOC"),), 1)
    assert read(cut, misaligned="drop")[0][0].spans == ()
    with pytest.raises(DataError, match=r"a\.jsonl:1: expected a span of whole words"):
        read(cut, misaligned="error")


def test_tokens_of_another_text(read):
    with pytest.raises(DataError, match=r"a\.jsonl:2: expected the offsets to be those of the words"):
        read(RECORD, RECORD | {"text": "Something else, and longer"})
