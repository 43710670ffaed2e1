"""Objects of JSON files of any shape, whatever the size of a block."""

from __future__ import annotations

import json

import pytest

from ner_lightning.data.text import json_items, lines
from ner_lightning.data.text.json_items import numbered_items
from ner_lightning.errors import DataError

ITEMS = [{"a": "北👍" * k, "b": [1.5, True, None, '\\"\n']} for k in range(5)]


@pytest.mark.parametrize("block", [1, 3, 7, 64, 1 << 20])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("shape", ["array", "indented", "lines", "indented objects"])
def test_every_shape_in_every_block(tmp_path, monkeypatch, block, ascii_only, shape):
    monkeypatch.setattr(lines, "BLOCK", block)
    indent = 2 if "indented" in shape else None
    whole = shape in ("array", "indented")
    texts = [json.dumps(value, indent=indent, ensure_ascii=ascii_only) for value in ([ITEMS] if whole else ITEMS)]
    path = tmp_path / "a.json"
    path.write_text("\ufeff" * (block > 2) + "\r\n".join(texts), encoding="utf-8")
    found = list(numbered_items(path))
    assert [item for _, item in found] == ITEMS
    assert [number for number, _ in found] == {
        "array": [1] * 5,
        "indented": [2, 11, 20, 29, 38],
        "lines": [1, 2, 3, 4, 5],
        "indented objects": [1, 10, 19, 28, 37],
    }[shape]


@pytest.mark.parametrize("text", ["", " \n", "[]", "[ \n]\n"])
def test_nothing(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    assert list(numbered_items(tmp_path / "a.json")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{}", "1: expected a comma or ] after a record, found the end of the file; is it cut off"),
        ("[{},\n]", "2: expected JSON, found: Expecting value"),
        ("[{}\n{}]", r"2: expected a comma or \] after a record, found '\{'"),
        ("[1]", "1: expected a JSON object for each record, found a int"),
        ('{"a":\n }', "2: expected JSON, found: Expecting value at '}'"),
        ("[{}]\nx", "2: expected nothing after the array, found 'x'"),
        ("hello", "1: expected JSON, found: Expecting value at 'hello'"),
        ("[" * 100_000, "1: expected a JSON object for each record, found brackets nested too deeply"),
        ('\n{"a": "x', "2: expected JSON, found: Unterminated string"),
    ],
)
def test_what_is_no_json(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=rf"a\.json:{message}"):
        list(numbered_items(tmp_path / "a.json"))


def test_a_record_without_end_is_refused_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 64)
    monkeypatch.setattr(json_items, "LONGEST_ITEM", 500)
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1},\n {"text": "' + "x" * 100_000)
    with pytest.raises(DataError, match=r"a\.json:2: .*found one of more than 500 characters"):
        list(numbered_items(path))


def test_wrong_bytes_have_their_place(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 4)
    path = tmp_path / "a.json"
    path.write_bytes(b'[{},\n{"a": "\xe9"}]')
    with pytest.raises(DataError, match=r"a\.json:2: expected utf-8 text, found byte 0xe9"):
        list(numbered_items(path))
