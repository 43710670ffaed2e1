"""Options of the Trainer that people use: each works, or is refused before the first step."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.errors import UserError
from ner_lightning.trainer.options import refused_option, settle_devices
from tests.runs import evaluated, saved, trained

NODE = {"accelerator": "cpu", "devices": 1, "strategy": "auto", "precision": "32-true", "max_epochs": 1}

REFUSED = {
    "max_epochs=0": "nothing would be trained",
    "max_steps=0": "nothing would be trained",
    "limit_train_batches=0": "nothing would be trained",
    "limit_train_batches=0.5": "write data.fraction=0.5",
    "max_epochs=-1": "give trainer.max_epochs or +trainer.max_steps",
    "max_epochs=null": "give trainer.max_epochs or +trainer.max_steps",
    "limit_val_batches=0": "validation chooses the best weights",
    "overfit_batches=1": "use +debug=overfit",
    "val_check_interval=99": "an epoch has fewer batches",
    "val_check_interval=1.5": "invalid value 1.5",
    "devices=0": "expected a number of processes from 1 on, or auto",
    "accelerator=tpu": "expected cpu, gpu or auto",
    "strategy=ddp_spawn": "use trainer=ddp",
    "strategy=foo": "invalid strategy name",
    "num_nodes=0": "expected a number of machines",
    "accumulate_grad_batches=0": "expected a number of batches from 1 on",
    "use_distributed_sampler=true": "leave it false",
    "barebones=true": "leaves out what chooses",
    "logger=false": "logger=wandb",
}


@pytest.mark.parametrize("option", REFUSED)
def test_what_cannot_work_is_refused_before_the_first_step(tmp_path: Path, tiny_encoder: Path, option: str) -> None:
    with pytest.raises(UserError, match=r"^trainer") as raised:
        trained(tmp_path, tiny_encoder, f"++trainer.{option}")
    assert REFUSED[option] in str(raised.value)
    assert not (tmp_path / "run" / "metrics.csv").exists()


# 24 sentences: two batches, on either side.
WORKING = {
    "max_steps=1": 1,
    "max_steps=3 max_epochs=2": 3,
    "max_steps=1 accumulate_grad_batches=2": 1,
    "val_check_interval=0.5": 2,
    "val_check_interval=0.5 accumulate_grad_batches=2": 1,
    "check_val_every_n_epoch=2": 2,
    "precision=64-true accumulate_grad_batches=3": 1,
    "accelerator=auto devices=-1": 2,
    "num_sanity_val_steps=2": 2,
}


@pytest.mark.parametrize("options", WORKING)
def test_what_works_chooses_and_scores_weights(tmp_path: Path, tiny_encoder: Path, options: str) -> None:
    result = trained(tmp_path, tiny_encoder, *(f"++trainer.{option}" for option in options.split()))
    assert result["steps"] == WORKING[options]
    assert result["best"]["checkpoint"] == str(tmp_path / "run" / "checkpoints" / "best.ckpt")
    assert {"val/f1", "test/f1"} <= set(result["best"])
    again = evaluated(tmp_path, f"ckpt={tmp_path / 'run'}", "split=dev", f"paths.output_dir={tmp_path / 'again'}")
    if "64" not in options:
        assert again["scores"]["val/f1"] == result["best"]["val/f1"]


@pytest.mark.parametrize("option", ["fast_dev_run=true", "fast_dev_run=2", "enable_checkpointing=false"])
def test_without_checkpoints_the_last_weights_are_scored_and_that_is_said(
    tmp_path: Path, tiny_encoder: Path, option: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = trained(tmp_path, tiny_encoder, f"++trainer.{option}", "++trainer.accumulate_grad_batches=2")
    assert result["best"]["checkpoint"] is None
    assert {"val/f1", "test/f1"} <= set(result["best"])
    assert not (tmp_path / "run" / "checkpoints" / "best.ckpt").exists()
    assert "those of the last step are scored" in caplog.text


def test_no_test_batches_are_no_test(tmp_path: Path, tiny_encoder: Path) -> None:
    assert "test/f1" not in trained(tmp_path, tiny_encoder, "++trainer.limit_test_batches=0")["best"]
    with pytest.raises(UserError, match="nothing would be scored"):
        evaluated(tmp_path / "again", f"ckpt={tmp_path / 'run'}", "++trainer.limit_test_batches=0")


def test_the_record_says_what_auto_was(tmp_path: Path, tiny_encoder: Path) -> None:
    trained(tmp_path, tiny_encoder, "trainer.accelerator=auto", "trainer.devices=auto", "++trainer.max_steps=1")
    node = saved(tmp_path / "run")["trainer"]
    expected = settle_devices({"accelerator": "auto", "devices": "auto"}, gpus=_gpus())
    assert {key: node[key] for key in expected} == expected


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def test_devices_of_other_machines_are_not_judged() -> None:
    assert refused_option({**NODE, "accelerator": "auto", "devices": -1}) is None
    assert settle_devices({"accelerator": "cuda", "devices": 2}, gpus=0) == {"accelerator": "gpu", "devices": 2}
    assert refused_option({**NODE, "devices": "2"}) is None
