"""JSON lines in all the forms people write them, and what is wrong with them."""

from __future__ import annotations

import json

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan

TEXT = "Ann saw New York."
LOC = EntitySpan(2, 4, "LOC")


@pytest.fixture
def read(tmp_path):
    def reading(*records, **options):
        path = tmp_path / "file.jsonl"
        lines = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in records]
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
        report = ReadReport()
        return list(JsonlReader(**options).read(path, report)), report

    return reading


@pytest.mark.parametrize(
    "annotated",
    [
        {"label": [[8, 16, "LOC"]]},
        {"labels": [[8, 16, "LOC"], [8, 16, "LOC"]]},
        {"entities": [{"start": 8, "end": 16, "label": "LOC"}]},
        {"entities": [{"id": 7, "start_offset": 8, "end_offset": 16, "type": "LOC", "text": "New York"}]},
        {"entities": [{"start": 2, "end": 4, "char_start": 8, "char_end": 16, "label": "LOC"}]},
        {"spans": [{"start": 8, "end": 16, "token_start": 2, "token_end": 3, "label": "LOC"}]},
        {"label": {"LOC": {"New York": [[8, 15]]}}},
        {"label": {"LOC": [[8, 15]]}},
    ],
)
def test_forms(read, annotated):
    sentences, report = read({"text": TEXT, **annotated})
    assert sentences[0].words == ("Ann", "saw", "New", "York", ".")
    assert sentences[0].spans == (LOC,)
    assert sentences[0].text == TEXT
    assert [TEXT[a:b] for a, b in sentences[0].offsets] == list(sentences[0].words)
    assert (report.entities, report.misaligned, report.overlapping, sentences[0].id) == (1, 0, 0, "file.jsonl:1")


@pytest.mark.parametrize(
    "record",
    [
        {"tokens": ["Ann", "saw", "New", "York", "."], "ner_tags": ["O", "O", "B-LOC", "I-LOC", "O"]},
        {"words": ["Ann", "saw", "New", "York", "."], "tags": ["O", "O", "B-LOC", "E-LOC", "O"], "text": TEXT},
        {"words": ["Ann", "saw", "New", "York", "."], "entities": [{"start": 2, "end": 4, "label": "LOC"}]},
        {"words": ["Ann", "saw", "New", "York", "."], "text": TEXT, "label": [[8, 16, "LOC"]]},
        {
            "tokens": [{"text": w, "start": a, "end": a + len(w)} for w, a in
                       [("Ann", 0), ("saw", 4), ("New", 8), ("York", 12), (".", 16)]],
            "text": TEXT,
            "spans": [{"start": 8, "end": 16, "label": "LOC"}],
        },
    ],
)  # fmt: skip
def test_words_given(read, record):
    sentences, _ = read(record)
    assert sentences[0].words == ("Ann", "saw", "New", "York", ".")
    assert sentences[0].spans == (LOC,)
    assert (sentences[0].offsets is None) == ("text" not in record)


def test_inclusive_ends(read):
    assert read({"text": TEXT, "label": [[8, 15, "LOC"]]}, ends="inclusive")[0][0].spans == (LOC,)
    with pytest.raises(
        DataError, match=r"file\.jsonl:1: expected 'New York' at \[8, 15\), found 'New Yor'.*: positions, ends"
    ):
        read({"text": TEXT, "label": {"LOC": {"New York": [[8, 15]]}}}, ends="exclusive")


def test_chinese_is_read_by_character(read):
    sentences, report = read(
        {"text": "李明 在IBM", "label": {"name": {"李明": [[0, 1]]}, "company": {"IBM": [[4, 6]]}}}
    )
    assert "".join(sentences[0].words) == "李明在IBM"
    assert sentences[0].spans == (EntitySpan(0, 2, "name"), EntitySpan(3, 6, "company"))
    assert report.words == 6


@pytest.mark.parametrize("words", ["whitespace", "punctuation", "characters"])
def test_the_rule_can_be_given(read, words):
    expected = {"whitespace": 2, "punctuation": 3, "characters": 6}
    assert len(read({"text": "ab cd.", "label": []}, words=words)[0][0].words) == expected[words] - (
        words == "characters"
    )


def test_misaligned_spans(read):
    record = {"text": "Ann Smiths dog 🐕", "label": [[4, 9, "PER"], [3, 4, "X"]]}
    sentences, report = read(record)
    assert sentences[0].spans == (EntitySpan(1, 2, "PER"),)
    assert report.misaligned == 2
    assert str(report.problems[0]).endswith(
        "file.jsonl:1: PER [4, 9) 'Smith' lies inside a word: widened to 'Smiths' (snap)"
    )
    assert str(report.problems[1]).endswith("X [3, 4) ' ' lies around no word: left out (snap)")
    sentences, report = read(record, misaligned="drop")
    assert (sentences[0].spans, report.misaligned) == ((), 2)
    with pytest.raises(DataError, match=r"file\.jsonl:1: .*'Smith' lies inside a word"):
        read(record, misaligned="error")


def test_edges_of_whitespace_are_no_misalignment(read):
    sentences, report = read({"text": TEXT, "label": [[7, 16, "LOC"]]})
    assert (sentences[0].spans, report.misaligned) == ((LOC,), 0)


def test_overlapping_spans(read):
    record = {"text": TEXT, "label": [[12, 16, "X"], [8, 16, "LOC"]]}
    sentences, report = read(record)
    assert (sentences[0].spans, report.nested, report.overlapping) == ((LOC,), 1, 0)
    assert str(report.problems[0]).endswith("file.jsonl:1: left out: X 'York' nested in LOC 'New York' (first)")
    with pytest.raises(DataError, match=r"file\.jsonl:1: expected spans that do not overlap"):
        read(record, overlap="error")
    record = {"text": TEXT, "label": [[0, 7, "X"], [4, 16, "Y"]]}
    assert read(record, overlap="longest")[0][0].spans == (EntitySpan(1, 4, "Y"),)


def test_not_annotated_is_not_the_same_as_no_entity(read):
    sentences, report = read({"text": "Ann saw"}, {"text": "Ann saw", "label": []}, {"text": "Ann", "label": None})
    assert [s.unknown for s in sentences] == [(0, 1), (), (0,)]
    assert report.unknown_words == 3


def test_ids_documents_and_empty_records(read):
    sentences, report = read({"id": 5, "text": "a", "document": "d"}, "", {"text": " "}, {"text": "b", "document": "d"})
    assert [(s.id, s.document) for s in sentences] == [("5", "d"), ("file.jsonl:4", "d")]
    assert (report.empty_sentences, report.documents, report.sentences) == (1, 1, 2)
    assert str(report.problems[0]).endswith("file.jsonl:3: left out: a record without words")


def test_tags_are_repaired_and_counted(read):
    records = [{"words": ["a", "b"], "tags": ["B-X", "I-X"]}] * 9 + [{"words": ["a", "b"], "tags": ["O", "I-X"]}]
    sentences, report = read(*records)
    assert (report.scheme, report.repaired, sentences[-1].spans) == ("IOB2", 1, (EntitySpan(1, 2, "X"),))
    assert "file.jsonl:10: the scheme IOB2 forbids I-X after O" in str(report.problems[0])


GOOD = {"text": TEXT, "label": []}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "expected a JSON object a line, found: Expecting"),
        ("[" * 100_000, "expected a JSON object"),
        ('[{"text": "a"}]', "found a list; for one JSON array"),
        ({"content": TEXT}, "expected a text under 'text' or words under 'words', found the keys: content"),
        ({"text": 3}, "expected a text under 'text', found 3"),
        ({"text": TEXT, "label": [[8, 18, "LOC"]]}, r"inside the 17 characters of the text, found \[8, 18\) LOC"),
        ({"text": TEXT, "label": [[-1, 3, "LOC"]]}, r"found \[-1, 3\)"),
        ({"text": TEXT, "label": [[3, 3, "LOC"]]}, r"found \[3, 3\)"),
        ({"text": TEXT, "label": [[5, 3, "LOC"]]}, r"found \[5, 3\)"),
        ({"text": TEXT, "label": [["8", 16, "LOC"]]}, "two whole numbers and an entity type, found '8'"),
        ({"text": TEXT, "label": [[8, 16, ""]]}, "entity type"),
        ({"text": TEXT, "label": [[8, 16]]}, "expected a list of 3"),
        ({"text": TEXT, "label": "LOC"}, "expected a list in the entities, found 'LOC'"),
        ({"text": TEXT, "entities": [{"start": 8, "label": "LOC"}]}, "keys char_end, end, end_offset; found start"),
        ({"text": "\ud83d", "label": []}, "half of one .U.D83D. at 0; export"),
        ({"words": ["a"], "tags": ["O", "O"]}, "a tag name for each of the 1 words"),
        ({"words": ["a"], "tags": [3]}, "found the number 3; .*label_names={3: PER}"),
        ({"words": ["a"], "tags": ["PER"]}, "found 'PER'"),
        ({"words": ["a"], "entities": [{"start": 0, "end": 2, "label": "X"}]}, "inside the 1 words"),
        ({"words": ["a"], "text": "b"}, "expected the words to be those of the text"),
        ({"words": ["a"], "text": "ab a", "offsets": [[1, 2]]}, "expected the offsets to be those of the words"),
        ({"words": [1]}, "expected a list of words"),
        ({"words": 1}, "expected a list of words, found 1"),
    ],
)
def test_what_cannot_be_read_names_its_place(read, record, message):
    with pytest.raises(DataError, match=rf"file\.jsonl:2: .*{message}"):
        read(GOOD, json.dumps(record) if isinstance(record, dict) else record)


def test_empty_file(read):
    with pytest.raises(DataError, match="found none: the file is empty"):
        read("", " ")


@pytest.mark.parametrize("option", ["ends", "words", "misaligned", "overlap", "scheme", "repair"])
def test_misspelt_options(option):
    with pytest.raises(ValueError, match="found 'x'"):
        JsonlReader(**{option: "x"})
