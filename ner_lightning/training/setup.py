"""The setup that a run really used, rather than what was asked for; only runs with the same setup compare well."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch


def setup_of(trainer: pl.Trainer, batch_size: int) -> dict[str, Any]:
    """Return batch, precision and devices of a run, as its trainer has them.

    Args:
        trainer: after its fit.
        batch_size: sentences of a batch on one process.

    Returns:
        `effective_batch` (sentences per optimiser step), `batch_size`, `accumulate`, `world_size`, `precision`,
        `strategy`, `device`, `threads`.
    """
    accumulate = trainer.accumulate_grad_batches
    return {
        "effective_batch": batch_size * accumulate * trainer.world_size,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "world_size": trainer.world_size,
        "precision": str(trainer.precision_plugin.precision),  # Lightning may replace the one asked for
        "strategy": type(trainer.strategy).__name__.removesuffix("Strategy"),
        "device": device_name(trainer.strategy.root_device),
        "threads": torch.get_num_threads(),  # they order sums: other threads, other last bits
    }


def device_name(device: torch.device) -> str:
    """Return the name of a device: the model of a GPU or of the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
