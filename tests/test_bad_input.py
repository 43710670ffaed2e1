"""Input as it really comes: refused in one sentence with its place, or taken by a rule that is counted and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ner_lightning.callbacks.overview import data_table
from ner_lightning.config.objects import resolve_config
from ner_lightning.errors import DataError, UserError
from ner_lightning.predict import main as predict
from ner_lightning.training.build import build
from tests.runs import EASY, composed, evaluated, records, train_config, trained, write_corpus

GOOD = ["Ann/B-PER Lee/I-PER left Oslo/B-LOC .", "It rains", "Rome/B-LOC"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus", train=GOOD, dev=GOOD, test=GOOD)


def refusal(tmp_path: Path, encoder: Path, *overrides: str, corpus: Path | None = None) -> str:
    """What a user is told who trains on this."""
    with pytest.raises(UserError) as error:
        trained(tmp_path, encoder, "data=conll", f"data.dir={corpus or tmp_path / 'corpus'}", *overrides)
    message = str(error.value)
    assert "\n" not in message
    assert not (tmp_path / "run/result.json").exists()
    return message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "train.conll: expected at least one sentence, found none: the file is empty"),
        (b"\n\n \t\n", "train.conll: expected at least one sentence, found none"),
        (b"-DOCSTART- O\n\n", "train.conll: expected at least one sentence, found none"),
        (
            b"Ann B-PER\nLee I-PER x\n",
            "train.conll:2: expected 2 columns separated by spaces as in line 1, found 3: 'Lee I-PER x'",
        ),
        (b"Ann\tB-PER\nLee\n", "train.conll:2: expected 2 columns separated by tabs as in line 1, found 1: 'Lee'"),
        (b"Ann\nLee\n", "train.conll:1: expected a column of words and one of tags"),
        (b"Ann B-PER\nLee PER\n", "train.conll:2: "),
        (b"Ann B-PER\n\nZo\xe9 B-PER\n", "train.conll:3: expected utf-8 text, found byte 0xe9 at byte 3 of the line"),
        (b"\xff\xfeA\x00", "train.conll:1: expected UTF-8 text, found UTF-16"),
        (b"Ann O\nLee O\n", "expected entities in the training data, found none; is the column of the tags the right"),
    ],
    ids=lambda value: (
        value[:20].decode("latin-1").encode("unicode_escape").decode() if isinstance(value, bytes) else ""
    ),
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, content: bytes, message: str
) -> None:
    (corpus / "train.conll").write_bytes(content)
    told = refusal(tmp_path, tiny_encoder)
    assert message in told
    assert str(corpus) in told


def test_an_unknown_tag_names_itself_and_what_is_known(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    (corpus / "dev.conll").write_text("Ann\tB-PER\nLee\tJ-PER\n")
    told = refusal(tmp_path, tiny_encoder)
    assert "dev.conll:2: " in told
    assert "J-PER" in told


def test_the_column_of_another_annotation(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    for split in ("train", "dev", "test"):
        (corpus / f"{split}.conll").write_text("Ann NNP B-PER\nran VBD O\n")
    assert "train.conll:1: " in refusal(tmp_path, tiny_encoder, "data.reader.tag_column=1")
    assert "found 3 separated by spaces; set them" in refusal(tmp_path, tiny_encoder, "data.reader.tag_column=5")
    assert trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")["best"]["test/support"] == 1


def test_files_and_folders_that_are_not_there(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    told = refusal(tmp_path, tiny_encoder, corpus=tmp_path / "nowhere")
    assert "nowhere: expected the folder of a corpus, found nothing there; give data.dir=FOLDER" in told
    told = refusal(tmp_path, tiny_encoder, corpus=corpus / "train.conll")
    assert "expected the folder of a corpus, found a file" in told
    told = refusal(tmp_path, tiny_encoder, "data.dev=nothing.conll")
    assert "no such file (data.dev=nothing.conll)" in told
    assert "holds dev.conll, test.conll, train.conll" in told
    (corpus / "dev.txt").write_text("")
    assert "several files could be the dev split: dev.conll, dev.txt; choose with" in refusal(tmp_path, tiny_encoder)
    (corpus / "dev.txt").unlink()
    (corpus / "dev.conll").unlink()
    told = refusal(tmp_path, tiny_encoder)
    assert "no dev split: expected a file called dev (or valid, validation" in told
    (corpus / "train.conll").unlink()
    assert "no train split" in refusal(tmp_path, tiny_encoder)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.batch_size=0", "data.batch_size=0: expected a whole number from 1 on"),
        ("data.limit=-1", "data.limit=-1: expected a whole number from 1 on"),
        ("data.overlap=-1", "data.overlap=-1: expected a whole number from 0 on"),
        ("monitor=val/f2", "monitor=val/f2: validation has no such metric; did you mean val/f1"),
        ("monitor=val/f1/EVENT", "monitor=val/f1/EVENT: validation has no such metric; the entity types are "),
        ("monitor=val/loss", "monitor=val/loss: the smaller the better; write callbacks.checkpoint.mode=min too"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0: nothing would be trained"),
        ("+trainer.limit_val_batches=0", "trainer.limit_val_batches=0: validation chooses the best weights"),
    ],
)
def test_a_run_that_could_not_end_well(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, override: str, message: str
) -> None:
    assert message in refusal(tmp_path, tiny_encoder, override)
    assert not (tmp_path / "run/checkpoints/best.ckpt").exists()


def test_other_metrics_choose_the_best_checkpoint(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    options = ("data=conll", f"data.dir={corpus}", "trainer.max_epochs=2")
    for place, more in (
        ("type", ["monitor=val/f1/LOC"]),
        ("loss", ["monitor=val/loss", "callbacks.checkpoint.mode=min"]),
    ):
        result = trained(tmp_path / place, tiny_encoder, *options, *more)
    checkpoint = torch.load(Path(result["best"]["checkpoint"]).with_name("last.ckpt"))
    (state,) = [s for key, s in checkpoint["callbacks"].items() if key.startswith("BestCheckpoint")]
    assert float(state["best_model_score"]) == pytest.approx(result["best"]["val/loss"])


def test_one_word_sentences(tmp_path: Path, tiny_encoder: Path) -> None:
    words = ["Ann/B-PER", "it", "Oslo/B-LOC", "."]
    corpus = write_corpus(tmp_path / "corpus", train=words, dev=words, test=words)
    for experiment in ("crf", "softmax"):
        home = tmp_path / experiment
        result = trained(home, tiny_encoder, f"+experiment={experiment}", "data=conll", f"data.dir={corpus}")
        assert result["best"]["test/support"] == 2
        assert len(records(home / "run/predictions/test.jsonl")) == 4


def test_a_single_sentence(tmp_path: Path, tiny_encoder: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=GOOD[:1], dev=GOOD[:1])
    assert trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")["steps"] == 1


def test_a_sentence_of_ten_thousand_words(tmp_path: Path, tiny_encoder: Path) -> None:
    long = " ".join(["Ann/B-PER", "x", "Oslo/B-LOC", "y"] * 2500)
    corpus = write_corpus(tmp_path / "corpus", train=[long, *GOOD], dev=[*GOOD, long])
    result = trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")
    assert result["best"]["val/support"] == 5000 + 3
    stored = records(tmp_path / "run/predictions/dev.jsonl")
    assert [len(record["words"]) for record in stored] == [5, 2, 1, 10_000]


def write_jsonl(folder: Path, *rows: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for split in ("train", "dev", "test"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


FINE = {"text": "Ann Lee left Oslo.", "label": [[0, 7, "PER"], [13, 17, "LOC"]]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"text": "Oslo", "label": [[0, 9, "LOC"]]},
            "expected a span inside the 4 characters of the text, found [0, 9)",
        ),
        ({"text": "Oslo", "label": [[-1, 3, "LOC"]]}, "expected a span inside the 4 characters"),
        ({"text": "Oslo", "label": [[3, 3, "LOC"]]}, "expected a span inside the 4 characters"),
        ({"words": ["Oslo"], "label": [[0, 2, "LOC"]]}, "expected a span inside the 1 words"),
        ({"title": "Oslo"}, "expected a text under 'text' or words under 'words', found the keys: title"),
    ],
)
def test_a_record_that_cannot_be_read(tmp_path: Path, tiny_encoder: Path, row: dict[str, Any], message: str) -> None:
    write_jsonl(tmp_path / "corpus", FINE, row)
    told = refusal(tmp_path, tiny_encoder, "data=jsonl")
    assert f"train.jsonl:2: {message}" in told


def shown(tmp_path: Path, encoder: Path, *overrides: str) -> dict[str, str]:
    """The row of the training data in the table before the fit."""
    table = data_table(build(resolve_config(train_config(tmp_path, encoder, *overrides))).data)
    return {str(column.header): str(next(column.cells)) for column in table.columns}


def test_what_is_left_out_is_counted_and_shown(tmp_path: Path, tiny_encoder: Path) -> None:
    overlapping = {"text": "University of Oslo", "label": [[14, 18, "LOC"], [0, 18, "ORG"]]}
    cut = {"text": "In Oslofjord", "label": [[3, 7, "LOC"]]}
    corpus = write_jsonl(tmp_path / "corpus", FINE, overlapping, cut, {"text": " ", "label": []})
    options = ("data=jsonl", f"data.dir={corpus}")
    row = shown(tmp_path, tiny_encoder, *options)
    assert (row["sentences"], row["entities"], row["left out"], row["misaligned"]) == ("3", "4", "2", "1")
    result = trained(tmp_path, tiny_encoder, *options)
    assert [result["best"][f"test/support/{name}"] for name in ("LOC", "ORG", "PER")] == [2, 1, 1]
    (tmp_path / "run/result.json").unlink()
    told = refusal(tmp_path, tiny_encoder, "data=jsonl", "data.reader.overlap=error")
    assert "train.jsonl:2: expected spans that do not overlap" in told
    told = refusal(tmp_path, tiny_encoder, "data=jsonl", "data.reader.misaligned=error")
    assert "train.jsonl:3: expected a span of whole words" in told


def test_tags_that_break_the_scheme_are_repaired_and_counted(tmp_path: Path, tiny_encoder: Path) -> None:
    good = [*EASY[:5], "x Ann/I-PER Lee/I-PER x"]
    corpus = write_corpus(tmp_path / "corpus", train=good, dev=good, test=good)
    row = shown(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")
    assert (row["sentences"], row["scheme"], row["repaired"]) == ("6", "IOB2", "1")
    trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")
    assert records(tmp_path / "run/predictions/test.jsonl")[-1]["gold"] == [[1, 3, "PER"]]
    (tmp_path / "run/result.json").unlink()
    assert "train.conll:" in refusal(tmp_path, tiny_encoder, "data.reader.repair=error")


def test_words_nobody_annotated_are_counted_and_shown(tmp_path: Path, tiny_encoder: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=["Ann/B-PER who/? ran/?"], dev=["Ann/B-PER"])
    row = shown(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")
    assert (row["words"], row["unknown"]) == ("3", "2")


def test_a_split_that_nobody_annotated(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    (corpus / "dev.conll").write_text("Ann\t?\nleft\t\n\n")
    told = refusal(tmp_path, tiny_encoder)
    assert "expected annotated words in the dev split, found none: not one of its 2 words has a tag" in told
    write_corpus(corpus, dev=GOOD, test=["Ann/? ran/?"])
    assert "or test=false to train without it" in refusal(tmp_path, tiny_encoder)
    assert trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}", "test=false")["steps"] == 1
    with pytest.raises(DataError, match="expected annotated words in the test split"):
        evaluated(tmp_path / "again", f"ckpt={tmp_path / 'run'}")


def test_a_split_without_entities(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_corpus(corpus, dev=["nothing here"])
    trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}")
    assert "the dev split has no entity at all" in caplog.text
    assert "the test split" not in caplog.text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("run")
    corpus = write_corpus(folder / "corpus", train=GOOD, dev=GOOD, test=GOOD)
    trained(folder, tiny_encoder, "data=conll", f"data.dir={corpus}")
    return folder / "run"


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04"])
def test_a_checkpoint_that_is_none(tmp_path: Path, tiny_encoder: Path, corpus: Path, run: Path, content: bytes) -> None:
    file = tmp_path / "no.ckpt"
    file.write_bytes(content)
    message = r"no\.ckpt: not a checkpoint written by ner_lightning \(\w+\)$"
    with pytest.raises(UserError, match=message):
        evaluated(tmp_path, f"ckpt={file}")
    with pytest.raises(UserError, match=message):
        predict(composed("predict", tmp_path, f"ckpt={file}", f"input={corpus / 'test.conll'}"))
    with pytest.raises(UserError, match=message):
        trained(tmp_path, tiny_encoder, "data=conll", f"data.dir={corpus}", f"ckpt_path={file}")


def test_a_checkpoint_of_another_model_is_not_resumed(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, run: Path
) -> None:
    last = run / "checkpoints/last.ckpt"
    told = refusal(tmp_path, tiny_encoder, f"ckpt_path={last}", "+experiment=softmax")
    assert f"ckpt_path={last}: the model there is another one" in told
    (corpus / "train.conll").write_text("Ann\tB-PERSON\nOslo\tB-LOC\n")
    told = refusal(tmp_path, tiny_encoder, f"ckpt_path={last}")
    assert "trained for the entity types LOC, PER (IOB2), not for LOC, PERSON (IOB2)" in told
    torch.save({"state_dict": {}, "ner_lightning": None}, tmp_path / "odd.ckpt")
    assert "not a checkpoint" in refusal(tmp_path, tiny_encoder, f"ckpt_path={tmp_path / 'odd.ckpt'}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.txt", b"", r"in\.txt: expected at least one line with a word, found none"),
        ("in.txt", b"Oslo\n\xff\n", r"in\.txt:2: expected utf-8 text, found byte 0xff"),
        ("in.conll", b"Oslo O\nRome\n", r"in\.conll:2: expected 2 columns"),
        ("in.conll", b"", r"in\.conll: expected at least one sentence, found none"),
        ("in.jsonl", b"{\n", r"in\.jsonl:2: expected JSON, found"),
        ("in.jsonl", b"[1]\n", r"in\.jsonl:1: expected a JSON object for each record, found a int"),
        ("in.jsonl", b'{"text": "\\ud800"}\n', r"in\.jsonl:1: "),
    ],
)
def test_a_file_that_cannot_be_tagged(tmp_path: Path, run: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    options = (f"ckpt={run}", f"input={tmp_path / name}", f"output={tmp_path / 'out.jsonl'}")
    with pytest.raises(DataError, match=message):
        predict(composed("predict", tmp_path, *options))
    assert not (tmp_path / "out.jsonl").exists()


def test_input_that_is_not_there(tmp_path: Path, run: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place, message in ((tmp_path / "nothing", "no such file"), (tmp_path / "empty", "a folder with nothing")):
        with pytest.raises(DataError, match=f"expected .*file.*found:? {message}"):
            predict(composed("predict", tmp_path, f"ckpt={run}", f"input={place}", f"output={tmp_path / 'o.jsonl'}"))
