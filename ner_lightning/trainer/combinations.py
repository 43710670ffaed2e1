"""Find devices, strategy and precision that cannot work together, from the configuration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ner_lightning.trainer.options import refused_option, settle_devices, with_defaults

FSDP2_PRECISIONS = ("32-true", "bf16-mixed", "bf16-true", "16-true")
"""Those that Lightning's strategy for it accepts."""


def explain_refusal(trainer: Mapping[str, Any], gpus: int | None) -> str | None:
    """Explain in one sentence why a trainer cannot run; None if it can.

    Args:
        trainer: the trainer's node of the configuration.
        gpus: GPUs of the machine that will run it; None: not known, as another machine will, so not judged.

    >>> explain_refusal({"accelerator": "cpu", "precision": "32-true", "strategy": "auto", "devices": 1}, 0)
    >>> explain_refusal({"accelerator": "gpu", "precision": "bf16-mixed", "strategy": "fsdp", "devices": 2}, 2)
    'trainer.strategy=fsdp: not kept up here; trainer=fsdp2 shards too, into checkpoints like any other'
    """
    trainer = with_defaults(trainer)
    if why := refused_option(trainer):
        return why
    if gpus is not None:
        trainer = settle_devices(trainer, gpus)
    precision, strategy = str(trainer["precision"]), str(trainer["strategy"])
    if strategy.startswith(("fsdp", "deepspeed")) and strategy != "fsdp2":
        return (
            f"trainer.strategy={strategy}: not kept up here; trainer=fsdp2 shards too, into checkpoints like any other"
        )
    if strategy == "fsdp2" and precision not in FSDP2_PRECISIONS:
        return f"trainer.precision={precision}: FSDP2 takes {', '.join(FSDP2_PRECISIONS)}"
    if trainer["accelerator"] in ("gpu", "cuda", "auto"):
        return None if gpus is None else _refusal_on_gpu(trainer, gpus)
    if precision.startswith("16"):
        return (
            f"trainer.precision={precision}: float16 needs a GPU (Lightning would silently use bfloat16 instead); "
            "on the CPU use 32-true or bf16-mixed"
        )
    return None


def _refusal_on_gpu(trainer: Mapping[str, Any], gpus: int) -> str | None:
    devices = trainer["devices"]
    if gpus == 0:
        return "trainer.accelerator=gpu: no GPU is to be seen here; use trainer=cpu or trainer=ddp_cpu"
    asked = len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdigit() else 0
    if asked > gpus:
        return f"trainer.devices={devices}: asks for {asked} GPUs, there are {gpus} here"
    return None
