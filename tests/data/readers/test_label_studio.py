"""Label Studio: both its JSON forms, who annotated, how it counts, and what is wrong with a task."""

from __future__ import annotations

import json

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.label_studio import LabelStudioReader
from ner_lightning.errors import DataError

TEXT = "Ann saw 👍 New York. It rained."


def region(start, end, label="LOC", text=None, **more):
    value = {"start": start, "end": end, "labels": [label] if isinstance(label, str) else label}
    if text is not None:
        value["text"] = text
    return {"id": "x", "from_name": "label", "to_name": "text", "type": "labels", "value": value, **more}


def task(*regions, text=TEXT, number=12, **more):
    return {"id": number, "data": {"text": text}, "annotations": [{"id": 1, "result": list(regions)}], **more}


@pytest.fixture
def read(tmp_path):
    def reading(*tasks, indent=None, lines=False, raw=None, **options):
        path = tmp_path / "export.json"
        text = "\n".join(json.dumps(t) for t in tasks) if lines else json.dumps(list(tasks), indent=indent)
        path.write_text(text if raw is None else raw, encoding="utf-8")
        report = ReadReport()
        return list(LabelStudioReader(**options).read(path, report)), report

    return reading


def mentions(sentences):
    return [(" ".join(s.words[a:b]), label) for s in sentences for a, b, label in s.spans]


@pytest.mark.parametrize(
    "exported",
    [
        task(region(10, 18)),
        task(region(10, 18, text="New York")),
        task(region(10, 18), region(0, 1, type="relation"), predictions=[{"result": [region(0, 3)]}]),
        {"id": 12, "data": {"text": TEXT}, "completions": [{"result": [region(10, 18)]}]},
        {"id": 12, "text": TEXT, "label": [{"start": 10, "end": 18, "text": "New York", "labels": ["LOC"]}],
         "annotator": 1, "annotation_id": 3, "created_at": "2024-01-01T00:00:00Z", "lead_time": 3.5},
    ],
)  # fmt: skip
@pytest.mark.parametrize("lines", [True, False])
def test_forms(read, exported, lines):
    sentences, report = read(exported, lines=lines)
    assert [s.text for s in sentences] == ["Ann saw 👍 New York.", "It rained."]
    assert mentions(sentences) == [("New York", "LOC")]
    assert [(s.id, s.document) for s in sentences] == [("12:0", "12"), ("12:20", "12")]
    assert (report.documents, report.entities, report.problems) == (1, 1, [])


def test_a_task_may_stay_whole_and_have_names(read):
    exported = task(region(10, 18))
    exported["data"] |= {"name": "s-1", "document": "news"}
    (sentence,), _ = read(exported, sentences="none")
    assert (sentence.text, sentence.id, sentence.document) == (TEXT, "s-1", "news")


def test_the_text_may_have_another_name(read):
    exported = task(region(0, 3)) | {"data": {"body": "Ann left", "number": 3}}
    assert mentions(read(exported)[0]) == [("Ann", "LOC")]
    exported["data"]["title"] = "A report"
    assert mentions(read(exported, text_key="body")[0]) == [("Ann", "LOC")]
    with pytest.raises(
        DataError, match=r"task 12: expected a text under 'text', found the keys: body, number, title;.*text_key=KEY"
    ):
        read(exported)
    short = {"id": 1, "comment": "Ann left", "ner": [{"start": 0, "end": 3, "labels": ["PER"]}], "created_at": "2024"}
    assert mentions(read(short)[0]) == [("Ann", "PER")]


def test_who_annotated(read):
    def by(*results, **more):
        return {"id": 5, "data": {"text": "Ann Lee"}, "annotations": [{"result": r, **m} for r, m in results], **more}

    first, last = ([region(0, 3, "A")], {}), ([region(4, 7, "B")], {})
    sentences, report = read(by(first, last))
    assert mentions(sentences) == [("Ann", "A")]
    assert str(report.problems[0]).endswith("export.json:1: task 5 has 2 annotations: the first is read")
    assert mentions(read(by(first, last), annotation="last")[0]) == [("Lee", "B")]
    assert mentions(read(by(first, (last[0], {"ground_truth": True})))[0]) == [("Lee", "B")]
    assert mentions(read(by((first[0], {"was_cancelled": True}), last))[0]) == [("Lee", "B")]
    sentences, report = read(by((first[0], {"was_cancelled": True})), by(last))
    assert (mentions(sentences), report.rejected) == ([("Lee", "B")], 1)
    assert "left out: task 5 was cancelled" in str(report.problems[0])


def test_not_annotated_is_not_the_same_as_nothing_found(read):
    none = task() | {"annotations": []}
    short = {"id": 1, "text": "It rains", "annotator": 1, "annotation_id": 2}
    sentences, report = read(none, task(), {"id": 1, "text": "It rains"}, short)
    assert [bool(s.unknown) for s in sentences] == [True, True, False, False, True, False]
    assert report.unknown_words == 9 + 2


@pytest.mark.parametrize(
    ("text", "regions", "told"),
    [
        ("👍 Oslo", [region(2, 6, text="Oslo")], None),
        ("👍 Oslo", [region(3, 7, text="Oslo")], "utf16"),
        ("👨\u200d👩\u200d👧 in Oslo", [region(12, 16, text="Oslo")], "utf16"),
        ("a\r\nOslo", [region(2, 6, text="Oslo")], "characters with CR LF as one"),
        ("👍👍\r\nOslo", [region(5, 9, text="Oslo")], "utf16 with CR LF as one"),
        ("He saw Oslo\nand left", [region(0, 20, text="He saw Oslo\\nand left")], None),
    ],
)
def test_how_it_counts(read, text, regions, told):
    sentences, report = read(task(*regions, text=text), task(*regions, text=text))
    assert len(mentions(sentences)) == 2
    assert "Oslo" in mentions(sentences)[0][0]
    assert [p.what.partition("counted in ")[2] for p in report.problems] == ([told] if told else [])


def test_several_labels_and_none(read):
    sentences, report = read(task(region(0, 3, ["A", "B"]), region(4, 7, []), text="Ann saw"))
    assert mentions(sentences) == [("Ann", "A")]
    assert report.overlapping == 1
    assert "left out: '[4, 7)' in task 12 has no label" in str(report.problems[0])


@pytest.mark.parametrize(
    ("exported", "message"),
    [
        (task(region(0, 99)), r"expected a span inside the 30 characters of the text, found \[0, 99\) LOC"),
        (task(region(0, 3, text="Bob")), r"expected 'Bob' at \[0, 3\), found 'Ann'"),
        (task(region("/div[1]/text()[1]", 3)), "task 12: expected a region with start and end in a Text, .*label"),
        (task(region(0, 3, [4])), "task 12: expected an entity type, found 4"),
        (task(text=3), "task 12: expected a text, found 3"),
        ({"id": 12, "data": "Ann"}, "task 12: expected an object under 'data', found 'Ann'"),
        ({"id": 12, "data": {"text": "a"}, "annotations": [{}]}, "task 12: expected 'result' in an annotation"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_its_place(read, exported, message):
    with pytest.raises(DataError, match=rf"export\.json:2: {message}"):
        read(raw=f"[{json.dumps(task())},\n{json.dumps(exported)}]")


def test_no_json_and_nothing(read):
    with pytest.raises(DataError, match="found none: the file is empty"):
        read()
    with pytest.raises(DataError, match=r"export\.json:1: expected JSON, found"):
        read(raw="id,text\n1,Ann\n")
    with pytest.raises(DataError, match="expected a JSON object for each record, found a list"):
        read(raw="[[1]]")


def test_empty_texts_are_counted(read):
    sentences, report = read(task(text=" \n"), task())
    assert (len(sentences), report.empty_sentences) == (2, 1)


@pytest.mark.parametrize("option", ["annotation", "words", "sentences", "positions", "misaligned", "overlap"])
def test_misspelt_options(option):
    with pytest.raises(ValueError, match="found 'x'"):
        LabelStudioReader(**{option: "x"})
