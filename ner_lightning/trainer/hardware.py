"""Check what this machine can run, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning.utilities import rank_zero_warn

from ner_lightning.errors import UserError
from ner_lightning.trainer.combinations import explain_refusal
from ner_lightning.trainer.options import settle_devices, with_defaults


def with_devices_of_here(config: Mapping[str, Any]) -> dict[str, Any]:
    """Replace `auto` and -1 by the accelerator and the number of processes they mean on this machine.

    Args:
        config: of a command that has a trainer, in plain containers.
    """
    return {**config, "trainer": settle_devices(config["trainer"], torch.cuda.device_count())}


def check_hardware(trainer: Mapping[str, Any]) -> None:
    """Refuse what cannot run here, and warn about what would be slow.

    Args:
        trainer: the trainer's node of the configuration.

    Raises:
        UserError: a GPU asked for where there is none, half precision that CPUs do not have, sharding on a CPU.
    """
    trainer = with_defaults(trainer)
    if why := explain_refusal(trainer, torch.cuda.device_count() if trainer["accelerator"] != "cpu" else None):
        raise UserError(why)
    precision = str(trainer["precision"])
    if trainer["accelerator"] != "gpu" and precision.startswith("bf16") and (why := slow_bfloat16()):
        rank_zero_warn(f"trainer.precision={precision}: {why}; use 32-true")


def slow_bfloat16() -> str | None:
    """Explain why bfloat16 is no gain on this CPU; None if it has matrix units for it (AMX, ARM's BF16)."""
    has = cpu_instructions()
    if has & {"amx_bf16", "bf16"}:
        return None
    if "avx512_bf16" in has:
        return (
            "this CPU has AVX512_BF16 but no AMX, and a training step was 1.4 to 1.6 times slower in bfloat16 than in "
            "32-true where that was measured"
        )
    return (
        "this CPU has neither AMX nor AVX512_BF16, and a training step was 7.7 times slower in bfloat16 than in "
        "32-true where that was measured"
    )


def cpu_instructions() -> set[str]:
    """List the bfloat16 instructions that torch finds in this CPU: `amx_bf16`, `avx512_bf16`, `bf16` (ARM)."""
    try:
        found = torch.cpu.get_capabilities()
    except AttributeError:  # older torch releases know only these two
        found = {
            "amx_bf16": torch.cpu._is_amx_tile_supported(),
            "avx512_bf16": torch.cpu._is_avx512_bf16_supported(),
        }
    return {name for name in ("amx_bf16", "avx512_bf16", "bf16") if found.get(name)}
