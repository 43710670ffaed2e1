"""An interrupted run that is resumed is the run that was not interrupted: the same weights to the last bit."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
import torch

from ner_lightning.callbacks import last_checkpoint
from ner_lightning.task.tagging import TaggingTask
from tests.runs import EASY, trained, write_corpus

# 41 sentences: batches of 4 make 11 a pass, of which two are gathered at a time and the last stands alone.
SENTENCES = EASY[:41]
EPOCHS, BATCHES, STEPS = 3, 11, 6
OPTIONS = (
    *("data=conll", "data.limit=null", "data.batch_size=4", f"trainer.max_epochs={EPOCHS}"),
    *("trainer.accumulate_grad_batches=2", "callbacks.last.steps=1", "model.dropout=0.3", "optim.head_lr=0.01"),
)


class Kept(NamedTuple):
    """The checkpoints of a run, each copied when it appeared, and the sentences of each batch."""

    files: dict[int, Path]
    batches: list[tuple[int, ...]]


@contextmanager
def keeping(folder: Path) -> Iterator[Kept]:
    """Keep every `last.ckpt` of the runs inside, by the optimiser steps it has behind it."""
    folder.mkdir(exist_ok=True)
    kept = Kept({}, [])
    publish, step = last_checkpoint.publish, TaggingTask.training_step

    def and_copy(path: Path) -> None:
        publish(path)
        steps = torch.load(path, mmap=True)["global_step"]
        kept.files[steps] = Path(shutil.copy(path, folder / f"{steps}.ckpt"))

    def and_note(task: TaggingTask, batch: Any, batch_idx: int) -> Any:
        kept.batches.append(batch.index)
        return step(task, batch, batch_idx)

    with patch.object(last_checkpoint, "publish", and_copy), patch.object(TaggingTask, "training_step", and_note):
        yield kept


class Whole(NamedTuple):
    folder: Path
    options: list[str]
    encoder: Path
    kept: Kept
    result: dict[str, Any]

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def resumed(self, folder: Path, steps: int, *overrides: str) -> tuple[Kept, dict[str, Any]]:
        with keeping(folder / "kept") as kept:
            result = trained(folder, self.encoder, *self.options, f"ckpt_path={self.kept.files[steps]}", *overrides)
        return kept, result


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    corpus = write_corpus(folder / "corpus", train=SENTENCES, dev=EASY[::3], test=EASY[::5])
    options = [*OPTIONS, f"data.dir={corpus}"]
    with keeping(folder / "kept") as kept:
        result = trained(folder, tiny_encoder, *options)
    return Whole(folder, options, tiny_encoder, kept, result)


def state(file: Path) -> dict[str, Any]:
    """What a checkpoint says of weights, optimiser, schedule and random generators."""
    checkpoint = torch.load(file)
    random = checkpoint["callbacks"]["LastCheckpoint"]["random"]
    best = next(value for key, value in checkpoint["callbacks"].items() if key.startswith("BestCheckpoint"))
    names = ("state_dict", "optimizer_states", "lr_schedulers", "loops", "epoch", "global_step")
    score = {"best": best["best_model_score"], "random": random}
    return {**{name: checkpoint[name] for name in names}, **score}


def assert_equal(one: Any, other: Any, path: str = "") -> None:
    """To the last bit."""
    assert type(one) is type(other), path
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            assert_equal(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_equal(*pair, f"{path}.{number}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), path
    else:
        assert one == other, path


def metrics(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_checkpoint_is_written_after_every_step(whole: Whole) -> None:
    assert sorted(whole.kept.files) == list(range(1, EPOCHS * STEPS + 1))
    assert Counter(i for batch in whole.kept.batches for i in batch) == dict.fromkeys(range(len(SENTENCES)), EPOCHS)
    assert {path.name for path in (whole.run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


@pytest.mark.parametrize(
    ("steps", "overrides"),
    [
        pytest.param(1, (), id="after the first step"),
        pytest.param(8, (), id="in the middle of an epoch"),
        pytest.param(8, ("data.num_workers=1",), id="with workers"),
        pytest.param(STEPS, (), id="after the last step of an epoch"),
        pytest.param(STEPS, ("data.num_workers=1",), id="after an epoch, with workers"),
        pytest.param(2 * STEPS - 1, (), id="before the last step of an epoch"),
    ],
)
def test_the_rest_of_the_run_is_the_same(whole: Whole, tmp_path: Path, steps: int, overrides: tuple[str, ...]) -> None:
    kept, result = whole.resumed(tmp_path, steps, *overrides)
    done = steps // STEPS * BATCHES + 2 * (steps % STEPS)
    assert kept.batches == whole.kept.batches[done:]
    assert sorted(kept.files) == list(range(steps + 1, EPOCHS * STEPS + 1))
    for later, file in kept.files.items():
        assert_equal(state(file), state(whole.kept.files[later]))
    told = {name: value for name, value in result["best"].items() if name != "checkpoint"}
    assert told == {name: value for name, value in whole.result["best"].items() if name != "checkpoint"}
    assert (result["epochs"], result["steps"]) == (whole.result["epochs"], whole.result["steps"])
    assert metrics(tmp_path / "run") == [row for row in metrics(whole.run) if int(row["step"]) >= steps]
