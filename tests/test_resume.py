"""An interrupted run that is resumed is the run that was not interrupted: the same weights to the last bit."""

from __future__ import annotations

import csv
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
import torch
from pytorch_lightning.utilities.exceptions import SIGTERMException

from ner_lightning.callbacks import last_checkpoint
from ner_lightning.errors import DataError, UserError
from ner_lightning.task.tagging import TaggingTask
from ner_lightning.training.checkpoint import check_same_data
from tests.runs import EASY, trained, write_corpus

# 41 sentences: batches of 4 make 11 a pass, of which two are gathered at a time and the last stands alone.
SENTENCES = EASY[:41]
EPOCHS, BATCHES, STEPS = 3, 11, 6
OPTIONS = (
    *("data=conll", "data.limit=null", "data.batch_size=4", f"trainer.max_epochs={EPOCHS}"),
    *(
        "trainer.accumulate_grad_batches=2",
        "callbacks.last.steps=1",
        "callbacks.last.minutes=null",
        "model.dropout=0.3",
        "optim.head_lr=0.01",
    ),
)


class Kept(NamedTuple):
    """The checkpoints of a run, each copied when it appeared, and the sentences of each batch."""

    files: dict[int, Path]
    batches: list[tuple[int, ...]]


@contextmanager
def keeping(folder: Path) -> Iterator[Kept]:
    """Keep every `last.ckpt` of the runs inside, by the optimiser steps it has behind it."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = Kept({}, [])
    publish, step = last_checkpoint.publish_checkpoint, TaggingTask.training_step

    def and_copy(path: Path) -> None:
        publish(path)
        steps = torch.load(path, mmap=True)["global_step"]
        kept.files[steps] = Path(shutil.copy(path, folder / f"{steps}.ckpt"))

    def and_note(task: TaggingTask, batch: Any, batch_idx: int) -> Any:
        kept.batches.append(batch.index)
        return step(task, batch, batch_idx)

    with (
        patch.object(last_checkpoint, "publish_checkpoint", and_copy),
        patch.object(TaggingTask, "training_step", and_note),
    ):
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
        return [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)]


def test_a_checkpoint_is_written_after_every_step(whole: Whole) -> None:
    assert sorted(whole.kept.files) == list(range(1, EPOCHS * STEPS + 1))
    assert Counter(i for batch in whole.kept.batches for i in batch) == dict.fromkeys(range(len(SENTENCES)), EPOCHS)
    assert {path.name for path in (whole.run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


def test_each_epoch_logs_its_loss_however_few_its_steps(whole: Whole) -> None:
    assert {row["epoch"] for row in metrics(whole.run) if "train/loss" in row} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("steps", "overrides"),
    [
        pytest.param(8, (), id="in the middle of an epoch"),
        pytest.param(STEPS, ("data.num_workers=1",), id="after an epoch, with workers"),
        pytest.param(1, (), id="after the first step", marks=pytest.mark.slow),
        pytest.param(8, ("data.num_workers=1",), id="with workers", marks=pytest.mark.slow),
        pytest.param(STEPS, (), id="after the last step of an epoch", marks=pytest.mark.slow),
        pytest.param(2 * STEPS - 1, (), id="before the last step of an epoch", marks=pytest.mark.slow),
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


def asked_to_end(number: signal.Signals, batch: int) -> Any:
    """A training step during which a signal arrives."""
    step, seen = TaggingTask.training_step, []

    def training_step(task: TaggingTask, *arguments: Any) -> Any:
        seen.append(1)
        if len(seen) == batch:
            signal.raise_signal(number)
        return step(task, *arguments)

    return patch.object(TaggingTask, "training_step", training_step)


@pytest.mark.parametrize(
    ("number", "batch", "steps"),
    [
        (signal.SIGTERM, BATCHES + 3, STEPS + 2),  # half a gradient is gathered: the step is finished first
        (signal.SIGINT, BATCHES, STEPS),  # so is the epoch, with its validation
        pytest.param(signal.SIGTERM, EPOCHS * BATCHES, EPOCHS * STEPS, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_asked_to_end_goes_on_in_its_folder(
    whole: Whole, tmp_path: Path, number: signal.Signals, batch: int, steps: int
) -> None:
    options = [*whole.options, "callbacks.last.steps=null"]
    with asked_to_end(number, batch), pytest.raises(SystemExit) as ended:
        trained(tmp_path, whole.encoder, *options)
    if number == signal.SIGTERM:
        assert isinstance(ended.value, SIGTERMException)
    else:
        assert isinstance(ended.value.__context__, KeyboardInterrupt)
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler, signal.SIG_IGN)
    run = tmp_path / "run"
    assert torch.load(run / "checkpoints/last.ckpt", mmap=True)["global_step"] == steps
    assert metrics(run) == [row for row in metrics(whole.run) if int(row["step"]) < steps]
    assert not (run / "result.json").exists()
    result = trained(tmp_path, whole.encoder, *options, f"ckpt_path={run}")
    assert_equal(state(run / "checkpoints/last.ckpt"), state(whole.run / "checkpoints/last.ckpt"))
    assert metrics(run) == metrics(whole.run)
    assert result["best"] == {**whole.result["best"], "checkpoint": str(run / "checkpoints/best.ckpt")}
    for split in ("dev", "test"):
        name = f"predictions/{split}.jsonl"
        assert (run / name).read_bytes() == (whole.run / name).read_bytes()
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    assert result["resumed_from"] == str(run / "checkpoints/last.ckpt")


def test_an_epoch_is_not_gone_on_with_in_another_order(whole: Whole, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"middle of an epoch, .* drawn with batch_size 4, not 3: resume with the settings"
    ):
        whole.resumed(tmp_path, 8, "data.batch_size=3")
    kept, _ = whole.resumed(tmp_path, STEPS, "data.batch_size=3", "trainer.max_epochs=2")
    assert sorted(i for batch in kept.batches for i in batch) == list(range(len(SENTENCES)))


def test_weights_alone_cannot_be_resumed(whole: Whole, tmp_path: Path) -> None:
    best = whole.run / "checkpoints/best.ckpt"
    assert best.stat().st_size < 0.5 * (whole.run / "checkpoints/last.ckpt").stat().st_size
    with pytest.raises(UserError, match=r"best\.ckpt: holds weights alone; resume from last\.ckpt of its run"):
        trained(tmp_path, whole.encoder, *whole.options, f"ckpt_path={best}")


def test_a_checkpoint_of_one_fold_does_not_go_on_with_another(
    whole: Whole, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its test sentences are among those it was trained on."""
    corpus = write_corpus(tmp_path / "corpus", train=EASY)
    words = (f"data.dir={corpus}", "data=conll", "data.folds=3", "data.limit=null")
    trained(tmp_path, whole.encoder, *words, "data.fold=0")
    again = (*words, f"ckpt_path={tmp_path / 'run'}", "trainer.max_epochs=2")
    with pytest.raises(UserError, match=r"trained with other data than these \(train, dev, test differ\).* force=true"):
        trained(tmp_path / "other", whole.encoder, *again, "data.fold=1")
    assert trained(tmp_path / "same", whole.encoder, *again, "data.fold=0")["epochs"] == 2
    assert "other data" not in caplog.text
    forced = trained(tmp_path / "forced", whole.encoder, *again, "data.fold=1", "force=true")
    assert forced["epochs"] == 2
    assert "force=true goes on with other data than it was trained with (train, dev, test differ)" in caplog.text


def test_only_what_both_have_is_compared(caplog: pytest.LogCaptureFixture) -> None:
    file = Path("last.ckpt")
    check_same_data(file, {"train": "a", "dev": "b"}, {"train": "a", "dev": "b", "test": "c"})
    assert caplog.text == ""
    with pytest.raises(UserError, match=r"\(dev differs\)"):
        check_same_data(file, {"train": "a", "dev": "b"}, {"train": "a", "dev": "c"})
    check_same_data(file, None, {"train": "a"})
    assert "does not say which data it was trained on" in caplog.text


def test_a_stream_of_other_files_is_other_data(whole: Whole, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=EASY, dev=EASY[::3])
    words = (f"data.dir={corpus}", "data=conll", "data.streaming=true", "data.limit=null", "test=false")
    trained(tmp_path, whole.encoder, *words)
    again = (*words, f"ckpt_path={tmp_path / 'run'}", "trainer.max_epochs=2")
    assert trained(tmp_path / "same", whole.encoder, *again)["epochs"] == 2
    write_corpus(corpus, train=EASY[1:])
    with pytest.raises(UserError, match=r"other data than these \(train differs\)"):
        trained(tmp_path / "other", whole.encoder, *again)


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param(("data.batching=token_budget", "data.max_subwords=64"), id="token budget"),
        pytest.param(("trainer.max_epochs=-1", "+trainer.max_steps=15"), id="a number of steps"),
        pytest.param(
            ("+trainer.val_check_interval=4", "callbacks=early_stopping", "callbacks.early_stopping.patience=2"),
            id="validated within epochs",
        ),
        pytest.param(("data.streaming=true", "data.num_workers=1"), id="a stream"),
    ],
)
def test_other_ways_of_training_are_resumed_as_well(
    tiny_encoder: Path, whole: Whole, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    options = [*whole.options, *overrides, "callbacks.last.steps=1"]
    with keeping(tmp_path / "kept") as kept:
        trained(tmp_path, tiny_encoder, *options)
    last = max(kept.files)
    for steps in (2, 5, 6, 7, 8, 12):
        again = tmp_path / str(steps)
        if steps not in kept.files:
            continue
        with keeping(again / "kept") as rest:
            trained(again, tiny_encoder, *options, f"ckpt_path={kept.files[steps]}")
        assert kept.batches[-len(rest.batches) :] == rest.batches
        assert max(rest.files) == last
        assert_equal(state(rest.files[last]), state(kept.files[last]))
        assert metrics(again / "run") == [row for row in metrics(tmp_path / "run") if int(row["step"]) >= steps]
