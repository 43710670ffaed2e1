"""Devices, strategy and precision that cannot work together, told from the configuration alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any


def refusal(trainer: Mapping[str, Any], gpus: int | None) -> str | None:
    """Why a trainer cannot run, in one sentence; None when it can.

    Args:
        trainer: the trainer's node of the configuration.
        gpus: GPUs of the machine that will run it; None: not known here (another machine will), so not judged.

    >>> refusal({"accelerator": "cpu", "precision": "32-true", "strategy": "auto", "devices": 1}, 0)
    >>> refusal({"accelerator": "cpu", "precision": "bf16-mixed", "strategy": "fsdp", "devices": 2}, 0)
    'trainer.strategy=fsdp: needs a GPU; on the CPU use trainer=ddp_cpu'
    """
    precision, strategy = str(trainer["precision"]), str(trainer["strategy"])
    if strategy.startswith("deepspeed") and importlib.util.find_spec("deepspeed") is None:
        return f"trainer.strategy={strategy}: DeepSpeed is not installed; pip install deepspeed, or use trainer=fsdp"
    if trainer["accelerator"] == "gpu":
        return None if gpus is None else _refusal_on_gpu(trainer, gpus)
    if precision.startswith("16"):
        return (
            f"trainer.precision={precision}: float16 needs a GPU (Lightning would silently use bfloat16 instead); "
            "on the CPU use 32-true or bf16-mixed"
        )
    if strategy.startswith(("fsdp", "deepspeed")):
        return f"trainer.strategy={strategy}: needs a GPU; on the CPU use trainer=ddp_cpu"
    return None


def _refusal_on_gpu(trainer: Mapping[str, Any], gpus: int) -> str | None:
    devices = trainer["devices"]
    if gpus == 0:
        return "trainer.accelerator=gpu: no GPU is to be seen here; use trainer=cpu or trainer=ddp_cpu"
    asked = len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdigit() else 0
    if asked > gpus:
        return f"trainer.devices={devices}: asks for {asked} GPUs, there are {gpus} here"
    return None
