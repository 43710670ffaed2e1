from __future__ import annotations

import json
from pathlib import Path

import pytorch_lightning as pl
import torch

from ner_lightning.training.setup import device_name, setup_of
from tests.runs import trained


def test_a_run_records_what_it_ran_with(tmp_path: Path, tiny_encoder: Path) -> None:
    overrides = ["trainer.precision=bf16-mixed", "data.batch_size=6", "sweep.effective_batch=12", "data.limit=24"]
    result = trained(tmp_path, tiny_encoder, *overrides)
    assert result["setup"] == {
        "effective_batch": 12,
        "batch_size": 6,
        "accumulate": 2,
        "world_size": 1,
        "precision": "bf16-mixed",
        "strategy": "SingleDevice",
        "device": device_name(torch.device("cpu")),
        "threads": torch.get_num_threads(),
    }
    assert result["steps"] == 2  # 24 sentences
    assert json.loads((tmp_path / "run/result.json").read_text())["setup"] == result["setup"]
    assert torch.load(tmp_path / "run/checkpoints/best.ckpt")["ner_lightning"]["config"]["data"]["batch_size"] == 6


def test_the_precision_is_the_one_in_force() -> None:
    """Lightning puts bfloat16 in place of float16 on a CPU."""
    trainer = pl.Trainer(accelerator="cpu", devices=1, precision="16-mixed", logger=False, enable_checkpointing=False)
    assert setup_of(trainer, 8)["precision"] == "bf16-mixed"


def test_a_device_has_a_name() -> None:
    assert device_name(torch.device("cpu"))
