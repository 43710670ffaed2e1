"""Runs with context: trained, resumed, evaluated and used to tag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch

from ner_lightning.config.objects import resolve_config
from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.inference.file_tagging import tag_file
from ner_lightning.inference.tagger import Tagger
from ner_lightning.task.tagging import TaggingTask
from ner_lightning.training.build import build
from tests.runs import LEARN, evaluated, records, train_config, trained

CONTEXT = ("data=conll", "data.context=16", "data.limit=null")
PLACES = ("Oslo", "Rome", "Kyiv")


def text(sentences: int, marker: str = "-DOCSTART- O\n\n") -> str:
    """Documents of three sentences; whether `Sam` is a person is said by the sentence before."""
    lines = []
    for number in range(sentences):
        about = "LOC" if number // 3 % 2 else "PER"
        third = (f"{PLACES[number % 3]} B-LOC\n", f"{'Place' if about == 'LOC' else 'Man'} O\n", f"Sam B-{about}\n")
        lines.append((marker if number % 3 == 0 else "") + third[number % 3] + "\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    for split, size in (("train", 60), ("dev", 30), ("test", 30)):
        (folder / f"{split}.conll").write_text(text(size))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, corpus: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("run")
    options = (*LEARN, *CONTEXT, f"data.dir={corpus}", "trainer.max_epochs=6")
    return folder / "run", trained(folder, tiny_encoder, *options)


def test_what_only_the_neighbours_say_is_learned(run: tuple[Path, dict[str, Any]]) -> None:
    assert run[1]["best"]["test/f1"] == 1.0  # without context 2 in 3 words at most


@pytest.mark.parametrize("asked", ["own", "other data"])
def test_a_checkpoint_is_evaluated_with_its_context(
    run: tuple[Path, dict[str, Any]], corpus: Path, tmp_path: Path, asked: str
) -> None:
    data = () if asked == "own" else ("data=conll", f"data.dir={corpus}")
    result = evaluated(tmp_path, f"ckpt={run[0]}", *data)
    assert result["scores"]["test/f1"] == 1.0
    assert records(tmp_path / "run/predictions/test.jsonl") == records(run[0] / "predictions/test.jsonl")


@pytest.mark.parametrize("batch_size", [1, 64])
def test_tagging_sees_the_neighbours_too(
    run: tuple[Path, dict[str, Any]], corpus: Path, tmp_path: Path, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk may end within a document."""
    monkeypatch.setattr("ner_lightning.inference.tagger.READ_AHEAD", 4 if batch_size == 1 else 32)
    tagger = Tagger.load(run[0])
    done = tag_file(tagger, str(corpus / "test.conll"), str(tmp_path / "out.jsonl"), batch_size=batch_size)
    assert done.alone == 0
    found = [[entity["label"] for entity in record["entities"]] for record in records(tmp_path / "out.jsonl")]
    stored = records(run[0] / "predictions/test.jsonl")
    assert found == [[label for _, _, label, _ in record["predicted"]] for record in stored]
    sentences = list(ConllReader().read(corpus / "test.conll", ReadReport()))
    for (_, entities), record in zip(tagger.tag(sentences, batch_size), stored, strict=True):
        assert [e.probability for e in entities] == pytest.approx([p for *_, p in record["predicted"]], abs=1e-5)


def test_an_empty_line_ends_a_document_of_text(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("Oslo\nPlace\nSam\n\nOslo\nMan\nSam\n")
    tag_file(Tagger.load(run[0]), str(source), str(tmp_path / "out.jsonl"))
    found = records(tmp_path / "out.jsonl")
    assert [[e["label"] for e in record["entities"]] for record in found] == [
        ["LOC"],
        [],
        ["LOC"],
        ["LOC"],
        [],
        ["PER"],
    ]
    assert [record["document"] for record in found] == ["in.txt:1"] * 3 + ["in.txt:5"] * 3


def test_sentences_of_no_document_are_tagged_alone_and_counted(
    run: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    tagger = Tagger.load(run[0])
    (single,) = tagger("Oslo")
    assert single.label == "LOC"
    ((_, alone),) = tagger.tag([Sentence(("Oslo",))])
    assert alone[0].probability == pytest.approx(single.probability)
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"text": "Oslo"}) + "\n" + json.dumps({"text": "Sam", "document": "a"}) + "\n")
    assert tag_file(tagger, str(source), str(tmp_path / "out.jsonl")).alone == 1


@pytest.mark.parametrize("more", [["data.num_workers=2"], ["data.batching=token_budget", "data.max_subwords=60"]])
def test_resumed_within_an_epoch_a_run_ends_as_if_it_had_not_stopped(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, more: list[str]
) -> None:
    options = (*CONTEXT, f"data.dir={corpus}", "callbacks.last.steps=2", "data.batch_size=8", *more)
    trained(tmp_path / "whole", tiny_encoder, *options)
    steps, step = [], TaggingTask.training_step

    def until_the_fifth(task: TaggingTask, batch: Any, batch_idx: int) -> torch.Tensor:
        steps.append(batch_idx)
        if len(steps) == 5:
            raise ConnectionAbortedError("killed")
        return step(task, batch, batch_idx)

    with patch.object(TaggingTask, "training_step", until_the_fifth), pytest.raises(ConnectionAbortedError):
        trained(tmp_path / "killed", tiny_encoder, *options)
    last = tmp_path / "killed/run/checkpoints/last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 4
    with pytest.raises(DataError, match="context 16, not 8"):
        trained(tmp_path / "other", tiny_encoder, *options, "data.context=8", f"ckpt_path={last}")
    trained(tmp_path / "resumed", tiny_encoder, *options, f"ckpt_path={last}")
    whole, resumed = (
        torch.load(tmp_path / name / "run/checkpoints/last.ckpt", weights_only=True) for name in ("whole", "resumed")
    )
    assert whole["global_step"] == resumed["global_step"] > 6
    torch.testing.assert_close(whole["state_dict"], resumed["state_dict"], rtol=0, atol=0)


def test_training_without_documents_says_what_to_do(tmp_path: Path, tiny_encoder: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / f"{split}.conll").write_text(text(6, marker=""))
    with pytest.raises(DataError, match=r"data\.context=16: no sentence of the train split .* set data\.context=0"):
        build(resolve_config(train_config(tmp_path, tiny_encoder, *CONTEXT, f"data.dir={tmp_path}")))


def test_a_stream_has_no_context(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    options = (*CONTEXT, f"data.dir={corpus}", "data.streaming=true")
    with pytest.raises(DataError, match=r"data\.context=16 with data\.streaming=true.*data\.streaming=false"):
        build(resolve_config(train_config(tmp_path, tiny_encoder, *options)))
