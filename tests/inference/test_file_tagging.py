"""Files in, files out: formats, order, interruptions, and what is left out."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.plain import PlainTextReader
from ner_lightning.errors import DataError, UserError
from ner_lightning.inference.file_tagging import tag_file
from ner_lightning.inference.tagger import READ_AHEAD, Tagger
from tests.runs import records

TEXT = "Ann Lee likes Oslo .\nRome\n\n  \nnothing here\nBob Orr left Kyiv .\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "input.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_text_to_json_lines(easy: Tagger, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "output.jsonl"
    done = tag_file(easy, str(source), str(target))
    assert (done.sentences, done.entities, done.left_out) == (4, 5, 2)
    found = records(target)
    assert [record["id"] for record in found] == [f"input.txt:{n}" for n in (1, 2, 5, 6)]
    assert [record["text"] for record in found] == [line for line in TEXT.splitlines() if line.strip()]
    assert [entity["text"] for entity in found[0]["entities"]] == ["Ann Lee", "Oslo"]
    for record in found:
        for entity in record["entities"]:
            assert record["text"][entity["char_start"] : entity["char_end"]] == entity["text"]
            assert 0 < entity["probability"] <= 1
    assert "words" not in found[0]
    assert "unknown" not in found[0]


def test_a_sentence_of_too_many_words_is_refused_by_the_key_that_allows_it(
    easy: Tagger, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"input\.txt:1: .* at most 4 words, .* longest_sentence=NUMBER"):
        tag_file(easy, str(source), str(tmp_path / "a.jsonl"), longest_sentence=4)
    assert tag_file(easy, str(source), str(tmp_path / "b.jsonl"), longest_sentence=5).sentences == 4


def test_text_to_columns(easy: Tagger, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "output.conll"
    tag_file(easy, str(source), str(target))
    sentences = target.read_text(encoding="utf-8").split("\n\n")
    assert sentences[0] == "Ann\tB-PER\nLee\tE-PER\nlikes\tO\nOslo\tS-LOC\n.\tO"
    assert sentences[1] == "Rome\tS-LOC"


def test_words_without_subwords_or_longer_than_a_row_keep_their_places(easy: Tagger, tmp_path: Path) -> None:
    words = ["\u200b", "Oslo", "x" * 500, "\ufe0f", "\u3000", "Rome", "\x01"]
    (tmp_path / "in.txt").write_text(" ".join(words), encoding="utf-8")
    tag_file(easy, str(tmp_path / "in.txt"), str(tmp_path / "out.conll"))
    lines = (tmp_path / "out.conll").read_text(encoding="utf-8").split("\n")
    assert [line.split("\t")[0] for line in lines] == [*words, "", ""]


def test_columns_are_tagged_whatever_they_say(easy: Tagger, tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text("Oslo\tB-WRONG\n.\tnonsense\n\nRome\tO\n", encoding="utf-8")
    tag_file(easy, str(tmp_path / "in.conll"), str(tmp_path / "out.conll"))
    assert (tmp_path / "out.conll").read_text() == "Oslo\tS-LOC\n.\tO\n\nRome\tS-LOC\n\n"


@pytest.mark.parametrize("label", ["positive", [[0, 99, "X"]], [[0, 2, "A"], [1, 3, "B"]], None])
def test_json_lines_are_tagged_whatever_they_say(easy: Tagger, tmp_path: Path, label: Any) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": "Oslo .", "label": label}) + "\n", encoding="utf-8")
    tag_file(easy, str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert [entity["text"] for entity in records(tmp_path / "out.jsonl")[0]["entities"]] == ["Oslo"]


def test_json_lines_keep_their_names(easy: Tagger, tmp_path: Path) -> None:
    lines = [
        {"id": "a", "document": "d", "text": "In  Oslo, Ann Lee .", "entities": []},
        {"id": "b", "text": "  "},
        {"id": "c", "words": ["Rome", "."]},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    tagger = copy.copy(easy)
    tagger.units = "punctuation"
    done = tag_file(tagger, str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert (done.sentences, done.left_out) == (2, 1)
    first, last = records(tmp_path / "out.jsonl")
    assert (first["id"], first["document"], first["text"]) == ("a", "d", "In  Oslo, Ann Lee .")
    oslo = next(entity for entity in first["entities"] if entity["text"] == "Oslo")
    assert (oslo["char_start"], oslo["char_end"], oslo["label"]) == (4, 8, "LOC")
    assert (last["id"], last["text"]) == ("c", "Rome .")


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_batches_do_not_show(easy: Tagger, source: Path, tmp_path: Path, batch_size: int) -> None:
    source.write_text(TEXT * 5, encoding="utf-8")
    tag_file(easy, str(source), str(tmp_path / "out.conll"), batch_size=batch_size)
    tag_file(easy, str(source), str(tmp_path / "expected.conll"), batch_size=7)
    assert (tmp_path / "out.conll").read_text() == (tmp_path / "expected.conll").read_text()


def test_improbable_entities_are_left_out(easy: Tagger, source: Path, tmp_path: Path) -> None:
    tag_file(easy, str(source), str(tmp_path / "all.jsonl"))
    values = sorted(e["probability"] for record in records(tmp_path / "all.jsonl") for e in record["entities"])
    limit = (values[1] + values[2]) / 2
    done = tag_file(easy, str(source), str(tmp_path / "some.jsonl"), min_probability=limit)
    kept = [e["probability"] for record in records(tmp_path / "some.jsonl") for e in record["entities"]]
    assert sorted(kept) == values[2:]
    assert (done.sentences, done.entities) == (4, len(values) - 2)


class Pipe:
    def __init__(self, text: str) -> None:
        self.buffer = io.BytesIO(text.encode())


def test_a_pipe(
    easy: Tagger, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Pipe(TEXT))
    tag_file(easy, "-", "-")
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["text"] for record in printed] == [line for line in TEXT.splitlines() if line.strip()]
    monkeypatch.setattr("sys.stdin", Pipe("Oslo\tO\n\n"))
    tag_file(easy, "-", "-", reader=ConllReader(), output_format="conll")
    assert capsys.readouterr().out == "Oslo\tS-LOC\n\n"


def test_an_interrupted_run_leaves_the_old_file(
    easy: Tagger, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "output.jsonl"
    target.write_text("old\n")

    def interrupted(*arguments: Any) -> Iterator[Any]:
        yield next(Tagger.tag_what_fits(easy, *arguments))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(easy, "tag_what_fits", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tag_file(easy, str(source), str(target))
    assert target.read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input.txt", "output.jsonl", "output.jsonl.part"]
    done = tag_file(easy, str(source), str(target))
    assert (done.resumed, done.sentences, len(records(target))) == (1, 4, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input.txt", "output.jsonl"]


def test_a_file_is_not_held_in_memory(easy: Tagger, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was drawn and not yet written never exceeds what sorting by length needs."""
    drawn, written, most = 0, 0, 0

    class Counting(PlainTextReader):
        def read(self, *arguments: Any) -> Iterator[Any]:
            nonlocal drawn, most
            for sentence in super().read(*arguments):
                drawn += 1
                most = max(most, drawn - written)
                yield sentence

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            nonlocal written
            written += text.count("\n")
            return len(text)

    source.write_text("Oslo\n" * 300)
    monkeypatch.setattr("sys.stdout", Stream())
    done = tag_file(easy, str(source), "-", reader=Counting(), batch_size=2)
    assert done.sentences == drawn == written == 300
    # One more is asked for before the last one drawn has been written.
    assert most <= 2 * READ_AHEAD + 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "input.txt: expected at least one line with a word, found none"),
        (b"\n \n", "input.txt: expected at least one line with a word, found none"),
        (b"Oslo\n\xff\xfe\n", "input.txt:2: expected utf-8 text, found byte 0xff"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(
    easy: Tagger, source: Path, tmp_path: Path, content: bytes, message: str
) -> None:
    source.write_bytes(content)
    with pytest.raises(DataError, match=message):
        tag_file(easy, str(source), str(tmp_path / "out.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()


def test_a_missing_file_and_a_wrong_format(easy: Tagger, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.txt: expected a readable file"):
        tag_file(easy, str(tmp_path / "nothing.txt"), "-")
    with pytest.raises(UserError, match="output_format: expected jsonl, conll, found 'text'"):
        tag_file(easy, str(source), str(tmp_path / "out.txt"))
