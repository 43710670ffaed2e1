"""Any metric that validation logs may choose the best checkpoint; one that will not be there is said in time."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ner_lightning.callbacks.monitored import check_mode, check_name
from ner_lightning.config.own import ALLOW
from ner_lightning.errors import UserError
from tests.runs import EASY, train_config, trained, write_corpus

KNOWN = ["val/loss", "val/f1", "val/macro_f1", "val/f1/PER", "val/recall/PER", "val/f1/loss", "val/news/f1"]

SOURCE = """
import pytorch_lightning as pl
import torch
from torchmetrics import Metric


class Parts(Metric):
    def __init__(self, tags):
        super().__init__()
        self.add_state("seen", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, predicted, gold, mask, unknown=None):
        self.seen = self.seen + mask.sum()

    def compute(self):
        return {"all": self.seen}


class Nothing(Parts):
    def compute(self):
        return self.seen * float("nan")


class F2(pl.Callback):
    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("val/f2", -float(trainer.current_epoch))


class Own(pl.Callback):
    def on_validation_epoch_end(self, trainer, pl_module):
        pl_module.log("val/spelling", -float(trainer.current_epoch))


class End(pl.Callback):
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        pl_module.log("own/end", float(batch_idx), on_step=False, on_epoch=True)


class Late(pl.Callback):
    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        pl_module.log("own/epoch", float(trainer.current_epoch), on_step=True, on_epoch=False)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "own_callbacks.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(ALLOW, "own_callbacks.")
    yield "own_callbacks"
    sys.modules.pop("own_callbacks", None)


def curve(run: Path, key: str) -> list[float]:
    with (run / "metrics.csv").open() as file:
        return [float(row[key]) for row in csv.DictReader(file) if row.get(key)]


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ("val/f2", "did you mean val/f1$"),
        ("val/f1_macro", "did you mean val/macro_f1$"),
        ("val/f1/PERS", r"the entity types are PER, loss$"),
        ("val/recall/f1", r"the entity types are PER, loss$"),
        ("val/newz/f1", "did you mean val/news/f1$"),
        ("vaL/loss", "did you mean val/loss$"),
    ],
)
def test_a_slip_is_answered(monitor: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^monitor={monitor}: validation has no such metric; .*{message}"):
        check_name(monitor, KNOWN)


@pytest.mark.parametrize("monitor", [*KNOWN, "val/spelling", "exact", "own/epoch", "train/loss", "val/mine/nats"])
def test_what_may_be_logged_passes(monitor: str) -> None:
    check_name(monitor, KNOWN)


def test_what_code_of_the_users_own_may_log_passes() -> None:
    check_name("val/clean_all", [*KNOWN, "val/clean"], ["val/clean_"])
    check_name("val/f2", KNOWN, guess=False)
    with pytest.raises(UserError, match=r"the entity types are PER, loss$"):
        check_name("val/f1/PERS", KNOWN, guess=False)


@pytest.mark.parametrize(
    ("own", "monitor"),
    [
        ("+task.metrics.clean={_target_:PACKAGE.Parts}", "val/clean_all"),
        ("+callbacks.f2={_target_:PACKAGE.F2}", "val/f2"),
    ],
)
def test_a_name_that_resembles_a_known_one_chooses(
    package: str, own: str, monitor: str, tmp_path: Path, tiny_encoder: Path
) -> None:
    result = trained(tmp_path, tiny_encoder, "test=false", own.replace("PACKAGE", package), f"monitor={monitor}")
    assert monitor in result["best"]


def test_a_loss_is_to_be_small() -> None:
    for monitor in ("val/loss", "train/loss"):
        with pytest.raises(UserError, match=r"the smaller the better; write callbacks\.checkpoint\.mode=min too"):
            check_mode(monitor, "max")
        check_mode(monitor, "min")
    check_mode("val/f1/loss", "max")  # of a type called so


def test_a_source_chooses(tmp_path: Path, tiny_encoder: Path) -> None:
    for source, dev in (("news", EASY[10:14]), ("web", EASY[38:42])):
        write_corpus(tmp_path / source, train=EASY[:38], dev=dev)
    words = ("data=conll", "data.sources=[news,web]", f"data.dir={tmp_path}", "test=false", "trainer.max_epochs=3")
    result = trained(tmp_path, tiny_encoder, *words, "optim.head_lr=0.1", "monitor=val/news/f1")
    assert result["best"]["val/news/f1"] == max(curve(tmp_path / "run", "val/news/f1"))
    with pytest.raises(UserError, match="did you mean val/news/f1"):
        trained(tmp_path / "b", tiny_encoder, *words, "monitor=val/new/f1")


@pytest.mark.parametrize(("name", "monitor", "best"), [("Own", "val/spelling", 0), ("Late", "own/epoch", 2)])
def test_a_metric_of_a_callback_chooses(
    package: str, name: str, monitor: str, best: int, tmp_path: Path, tiny_encoder: Path
) -> None:
    own = f"+callbacks.own={{_target_:{package}.{name}}}"
    words = ("test=false", "trainer.max_epochs=3", "callbacks=early_stopping", own, f"monitor={monitor}")
    result = trained(tmp_path, tiny_encoder, *words)
    assert torch.load(result["best"]["checkpoint"], weights_only=True)["epoch"] == best
    assert monitor in result["best"]
    assert "own/epoch" not in result["best"] or result["best"]["own/epoch"] == 2.0  # known of the fit alone


def test_a_metric_that_nobody_logs_is_said_at_the_first_validation(tmp_path: Path, tiny_encoder: Path) -> None:
    """Before the callback that stops early would end in a trace."""
    words = ("test=false", "trainer.max_epochs=3", "callbacks=early_stopping", "monitor=val/speling")
    with pytest.raises(UserError) as error:
        trained(tmp_path, tiny_encoder, *words)
    told = str(error.value)
    assert told.startswith("monitor=val/speling: the first validation did not log it. It logged train/loss, val/f1, ")
    assert "val/loss" in told
    assert "val/f1/" not in told
    assert len(curve(tmp_path / "run", "val/f1")) == 1
    assert not (tmp_path / "run/checkpoints/best.ckpt").exists()


def test_a_metric_that_is_no_number_is_said_once(
    package: str, tmp_path: Path, tiny_encoder: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    own = f"+task.metrics.empty={{_target_:{package}.Nothing}}"
    trained(tmp_path, tiny_encoder, "test=false", "trainer.max_epochs=3", own, "monitor=val/empty")
    told = [*caplog.messages, *(str(one.message) for one in recwarn)]
    assert [text.partition(".")[0] for text in told if "is NaN" in text] == ["monitor=val/empty: is NaN after epoch 1"]


def test_what_stops_early_may_go_by_a_metric_of_training(package: str, tmp_path: Path, tiny_encoder: Path) -> None:
    words = (
        "test=false",
        "trainer.max_epochs=2",
        "callbacks=early_stopping",
        "callbacks.early_stopping.monitor=own/end",
    )
    result = trained(tmp_path, tiny_encoder, *words, f"+callbacks.own={{_target_:{package}.End}}")
    assert result["epochs"] == 2


def test_stopping_early_goes_the_way_of_the_best_checkpoint(tmp_path: Path, tiny_encoder: Path) -> None:
    words = ("callbacks=early_stopping", "monitor=val/loss", "callbacks.checkpoint.mode=min")
    assert train_config(tmp_path, tiny_encoder, *words).callbacks.early_stopping.mode == "min"
    assert train_config(tmp_path, tiny_encoder, words[0]).callbacks.early_stopping.mode == "max"
