"""What this machine can run, asked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning.utilities import rank_zero_warn

from ner_lightning.combinations import refusal
from ner_lightning.errors import UserError


def check_hardware(trainer: Mapping[str, Any]) -> None:
    """Refuse what cannot run here, and warn of what would run slowly.

    Args:
        trainer: the trainer's node of the configuration.

    Raises:
        UserError: a GPU asked for where there is none, half precision that CPUs do not have, sharding on a CPU.
    """
    if why := refusal(trainer, torch.cuda.device_count() if trainer["accelerator"] == "gpu" else None):
        raise UserError(why)
    on_gpu, precision = trainer["accelerator"] == "gpu", str(trainer["precision"])
    if not on_gpu and precision.startswith("bf16"):
        rank_zero_warn(
            f"trainer.precision={precision} on a CPU is slower than 32-true on most machines: 1.6 times where it was "
            "measured with AVX512_BF16, 7.7 times without"
        )
