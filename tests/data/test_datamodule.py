"""The module as a whole: what it reads, what it keeps, and streams that train."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch

from ner_lightning.config.objects import resolve_config
from ner_lightning.data.batches.training_order import EpochProgress
from ner_lightning.data.datamodule import CorpusDataModule
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.errors import DataError
from ner_lightning.task.tagging import TaggingTask
from ner_lightning.training.build import build
from tests.data.shard_corpus import EVERYTHING, write_shards
from tests.runs import EASY, LEARN, records, train_config, trained, write_corpus
from tests.watched import watched

STREAM = ("data=conll", "data.streaming=true", "data.limit=null")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of numbered sentences, some compressed, and a development split."""
    folder = tmp_path_factory.mktemp("corpus")
    for file in write_shards(folder / "train")[:2]:
        (folder / "train" / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    return write_corpus(folder, dev=EASY)


def options(corpus: Path, *more: str) -> list[str]:
    return [*STREAM, f"data.dir={corpus}", "data.batch_size=4", "data.shuffle_buffer=12", *more]


def numbers(task: TaggingTask, batch: Batch) -> list[int]:
    """Which sentences a batch holds, as they are numbered in their words."""
    words, before, found = task.trainer.datamodule._words, 0, []  # type: ignore[attr-defined]
    for length, weight in zip(batch.row_lengths, batch.weight.tolist(), strict=True):
        text = words.tokenizer.decode(batch.input_ids[0, before + 1 : before + length - 1])
        found += [int(text.replace(" ", ""))] * int(weight)
        before += length
    return found


def test_a_streamed_epoch_is_one_pass_over_all_shards(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    steps = watched(numbers, tmp_path, tiny_encoder, *options(corpus, "trainer.max_epochs=2"))
    assert len(steps) == 2 * 16
    for epoch in (steps[:16], steps[16:]):
        assert Counter(number for step in epoch for number in step) == EVERYTHING
    assert steps[:16] != steps[16:]
    assert records(tmp_path / "run/predictions/dev.jsonl")


def test_steps_without_a_first_pass(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    """Types and steps are given: nothing is read before the training."""
    given = ("data.types=[PER,LOC]", "data.epoch_steps=5", "trainer.max_epochs=-1", "+trainer.max_steps=16")
    with patch("ner_lightning.data.corpus.corpus_files.CorpusFiles.survey", side_effect=AssertionError):
        steps = watched(numbers, tmp_path, tiny_encoder, *options(corpus, *given))
    assert len(steps) == 16
    assert Counter(number for step in steps for number in step) == EVERYTHING
    about = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)["ner_lightning"]
    assert about["tags"]["types"] == ["PER", "LOC"]


@pytest.mark.parametrize("more", [[], ["data.num_workers=2", "data.types=[LOC,PER]", "data.epoch_steps=10"]])
def test_killed_and_resumed_a_run_sees_each_sentence_once(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, more: list[str]
) -> None:
    asked = options(corpus, "trainer.max_epochs=2", "callbacks.last.steps=3", *more)
    whole = watched(numbers, tmp_path / "whole", tiny_encoder, *asked)
    before = watched(numbers, tmp_path / "killed", tiny_encoder, *asked, until=8)
    last = tmp_path / "killed/run/checkpoints/last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 6
    after = watched(numbers, tmp_path / "resumed", tiny_encoder, *asked, f"ckpt_path={last}")
    assert before[:6] + after == whole


@pytest.mark.parametrize("batching", ["token_budget", "packed"])
def test_a_stream_fills_a_budget(tmp_path: Path, tiny_encoder: Path, corpus: Path, batching: str) -> None:
    budget = ("data.max_subwords=20", f"data.batching={batching}", "data.batch_size=16")  # a sentence costs 6
    steps = watched(
        numbers, tmp_path, tiny_encoder, *options(corpus, *budget, "data.shuffle_buffer=30", "trainer.max_epochs=2")
    )
    assert max(map(len, steps)) == 3
    assert len(steps) == 2 * round(sum(EVERYTHING.values()) / (61 / 21))
    assert Counter(number for step in steps[:21] for number in step) == EVERYTHING


def test_the_loss_of_a_budget_is_by_its_mean_batch(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    budget = ("data.max_subwords=20", "data.batching=token_budget")
    run = build(resolve_config(train_config(tmp_path, tiny_encoder, *options(corpus, *budget))))
    assert run.task.sentences_per_batch == pytest.approx(61 / 21)


def test_a_stream_learns_what_the_file_teaches(tmp_path: Path, tiny_encoder: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", dev=EASY)
    for number in range(3):
        write_corpus(corpus / "train", **{f"{number}": EASY[number::3]})
    result = trained(
        tmp_path, tiny_encoder, *LEARN, *STREAM, f"data.dir={corpus}", "data.batch_size=8", "data.num_workers=1"
    )
    assert result["best"]["val/f1"] > 0.9


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("data.num_workers=2", r"read by 1 processes with 1 readers each, not 1 with 2: resume with as many"),
        ("data.shuffle_buffer=8", r"another seed, other batches or another data\.shuffle_buffer: resume with"),
        ("seed=2", "another seed"),
    ],
)
def test_a_stream_is_not_resumed_elsewhere(
    tmp_path: Path, tiny_encoder: Path, corpus: Path, changed: str, message: str
) -> None:
    trained(tmp_path, tiny_encoder, *options(corpus))
    again = options(corpus, "trainer.max_epochs=2", f"ckpt_path={tmp_path / 'run'}", changed)
    with pytest.raises(DataError, match=message):
        trained(tmp_path / "again", tiny_encoder, *again)


def test_a_type_left_out_is_seen_when_its_sentence_comes(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    """Also one that the development data have: it is scored, but the model cannot learn it."""
    with pytest.raises(DataError, match=r"\.conll.*:1: data\.types leaves out LOC; name every type"):
        trained(tmp_path, tiny_encoder, *options(corpus, "data.types=[PER]", "data.epoch_steps=5"))


def test_bigrams_of_a_stream(tmp_path: Path, tiny_encoder: Path, corpus: Path) -> None:
    config = train_config(tmp_path, tiny_encoder, *options(corpus, "model.decoder.init=bigrams"))
    run = build(resolve_config(config))
    counts = run.data.tag_counts(3)
    assert counts.start.tolist() == counts.end.tolist() == [0, sum(EVERYTHING.values()), 0]
    assert run.data.reports["train"].sentences == sum(EVERYTHING.values())
    assert "train" not in run.data.sentences


def test_a_batch_that_was_given_and_not_trained_on_comes_again(
    tmp_path: Path, tiny_encoder: Path, corpus: Path
) -> None:
    data = build(resolve_config(train_config(tmp_path, tiny_encoder, *options(corpus)))).data
    drawn = iter(data.train_dataloader())
    batches = [next(drawn) for _ in range(4)]
    assert data._training.state(EpochProgress(0, 4, 4, ended=False))["stream"]["given"] == 4
    data._training.resume(data._training.state(EpochProgress(0, 4, 3, ended=False)))
    again = next(iter(data.train_dataloader()))
    assert again.input_ids.tolist() == batches[3].input_ids.tolist()


def module(folder: Path, **options: Any) -> CorpusDataModule:
    return CorpusDataModule(str(folder), ConllReader(), **options)


def test_the_limit_holds_for_a_stream_too(corpus: Path) -> None:
    data = module(corpus, streaming=True, limit=15)
    data.read("train")
    assert data._streamed is not None
    assert data._streamed.counts == (13, 1, 1, 0)


def test_types_are_in_the_order_given(tmp_path: Path) -> None:
    data = module(write_corpus(tmp_path, train=EASY), types=["PER", "X", "LOC"])
    data.read("train")
    assert data.tag_set().types == ("PER", "X", "LOC")
    data = module(tmp_path, types=["PER"])
    data.read("train")
    with pytest.raises(DataError, match=r"data\.types leaves out LOC, which the training data have; name every type"):
        data.tag_set()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epoch_steps": 5}, r"data\.epoch_steps=5 is for data\.streaming=true"),
        ({"epoch_steps": 0, "streaming": True}, r"data\.epoch_steps=0: expected a whole number from 1 on"),
        ({"shuffle_buffer": 0, "streaming": True}, r"data\.shuffle_buffer=0: expected a whole number from 1 on"),
        ({"types": ["LOC", "LOC"]}, r"data\.types=\['LOC', 'LOC'\]: expected entity types, none twice"),
        ({"types": []}, r"data\.types=\[\]: expected entity types"),
    ],
)
def test_options_that_say_nothing_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        module(tmp_path, **options)
