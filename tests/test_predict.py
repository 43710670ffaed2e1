"""The command that tags a file, in this process."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ner_lightning.errors import UserError
from ner_lightning.predict import main
from tests.runs import EASY, LEARN, composed, records, trained, write_corpus


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("run")
    corpus = write_corpus(folder / "corpus", train=EASY, dev=EASY)
    trained(folder, tiny_encoder, "data=conll", f"data.dir={corpus}", *LEARN)
    return folder / "run"


def predict(folder: Path, run: Path, text: str, *overrides: str) -> Path:
    (folder / "in.txt").write_text(text, encoding="utf-8")
    target = folder / "out.jsonl"
    main(composed("predict", folder, f"ckpt={run}", f"input={folder / 'in.txt'}", f"output={target}", *overrides))
    return target


def test_a_file_is_tagged_and_what_was_left_out_is_told(
    tmp_path: Path, run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target = predict(tmp_path, run, "Ann Lee likes Oslo .\n\n\nRome .\n")
    assert [[e["text"] for e in record["entities"]] for record in records(target)] == [["Ann Lee", "Oslo"], ["Rome"]]
    told = [record.getMessage() for record in caplog.records if record.name == "ner_lightning.predict"]
    assert told[0].startswith("2 sentences, 3 entities, ")
    assert told[1] == "left out: 2 lines without a word"


def test_every_option_is_heeded(tmp_path: Path, run: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    text = "In Oslo, Ann Lee, and Rome."
    target = predict(tmp_path, run, text, "units=punctuation", "batch_size=1", "device=cpu")
    (record,) = records(target)
    assert [entity["text"] for entity in record["entities"]] == ["Oslo", "Ann Lee", "Rome"]
    assert records(predict(tmp_path, run, text, "units=punctuation", "min_probability=1"))[0]["entities"] == []
    assert predict(tmp_path, run, "Oslo", "output_format=conll").read_text() == "Oslo\tB-LOC\n\n"
    assert predict(tmp_path, run, "Oslo O\n", "from=conll", "output_format=conll").read_text() == "Oslo\tB-LOC\n\n"
    assert "left out" not in caplog.text


def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, run: Path) -> None:
    (tmp_path / "no.ckpt").write_text("no")
    for overrides, message in (
        ([f"ckpt={tmp_path / 'no.ckpt'}"], "not a checkpoint written by ner_lightning"),
        (["device=cuda:9"], "device=cuda:9: not available here"),
    ):
        with pytest.raises(UserError, match=message) as error:
            predict(tmp_path, run, "Oslo", *overrides)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "out.jsonl").exists()
