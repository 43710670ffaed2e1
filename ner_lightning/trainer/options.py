"""Find Trainer options that cannot work in our runs, and settle devices that are named loosely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ACCELERATORS = ("cpu", "gpu", "cuda", "mps", "auto")
OURS = {
    "callbacks": "callbacks have a group of their own: callbacks=early_stopping, or +callbacks.NAME._target_=CLASS",
    "logger": "loggers have a group of their own: logger=wandb; metrics.csv is always written",
}

DEFAULTS = {
    "accelerator": "auto",
    "devices": "auto",
    "strategy": "auto",
    "precision": "32-true",
    "num_nodes": 1,
    "accumulate_grad_batches": 1,
}
"""What the Trainer does where its node says nothing (`~trainer.devices`)."""


def with_defaults(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """Add to a trainer's node what it does not say, of what is asked about before it is built.

    >>> with_defaults({"devices": 2})["accelerator"]
    'auto'
    """
    return {**DEFAULTS, **trainer}


def settle_devices(trainer: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    """Replace an accelerator `auto`, and on a CPU the devices `auto` or -1, by what they mean on this machine.

    Args:
        trainer: the trainer's node of the configuration.
        gpus: of the machine that runs it.

    >>> settle_devices({"accelerator": "auto", "devices": -1}, gpus=0)
    {'accelerator': 'cpu', 'devices': 1}
    >>> settle_devices({"accelerator": "auto", "devices": -1}, gpus=2)
    {'accelerator': 'gpu', 'devices': -1}
    """
    accelerator, devices = (with_defaults(trainer)[key] for key in ("accelerator", "devices"))
    if accelerator == "auto":
        accelerator = "gpu" if gpus else "cpu"
    accelerator = "gpu" if accelerator == "cuda" else accelerator
    loose = accelerator == "cpu" and str(devices) in ("auto", "-1")
    return {**trainer, "accelerator": accelerator, "devices": 1 if loose else devices}


def refused_option(trainer: Mapping[str, Any]) -> str | None:
    """Explain in one sentence why a run cannot have these options; None if it can.

    >>> refused_option({"accelerator": "cpu", "devices": 1, "strategy": "auto", "max_epochs": 4})
    >>> refused_option({"accelerator": "cpu", "devices": 1, "strategy": "auto", "max_epochs": 0})
    'trainer.max_epochs=0: nothing would be trained; python -m ner_lightning.evaluate scores a checkpoint'
    """
    return _refused_place(trainer) or _refused_length(trainer) or _refused_part(trainer)


def _refused_place(trainer: Mapping[str, Any]) -> str | None:
    accelerator, devices, strategy = (with_defaults(trainer)[key] for key in ("accelerator", "devices", "strategy"))
    if accelerator not in ACCELERATORS:
        return f"trainer.accelerator={accelerator}: expected cpu, gpu or auto"
    if devices in (0, "0", []) or (accelerator == "cpu" and not _is_count(devices)):
        return f"trainer.devices={devices}: expected a number of processes from 1 on, or auto"
    if str(strategy).endswith(("spawn", "fork", "notebook")):
        return f"trainer.strategy={strategy}: starts processes that cannot tell what they scored; use trainer=ddp"
    if (nodes := trainer.get("num_nodes", 1)) < 1:
        return f"trainer.num_nodes={nodes}: expected a number of machines from 1 on"
    return None


def _is_count(devices: Any) -> bool:
    return str(devices) in ("auto", "-1") or (str(devices).isdigit() and int(devices) > 0)


def _refused_length(trainer: Mapping[str, Any]) -> str | None:
    """Explain why a run would train nothing, or never end: the learning rates depend on the number of steps."""
    for key in ("max_epochs", "max_steps", "limit_train_batches"):
        if trainer.get(key) == 0:
            return f"trainer.{key}=0: nothing would be trained; python -m ner_lightning.evaluate scores a checkpoint"
    epochs, steps = trainer.get("max_epochs", 1), trainer.get("max_steps")
    if epochs in (None, -1) and steps in (None, -1) and not trainer.get("fast_dev_run"):
        also = " beside trainer.max_time" if trainer.get("max_time") is not None else ""
        said = "null" if epochs is None else epochs
        return (
            f"trainer.max_epochs={said}: the learning rates follow the number of steps, which must be known; give "
            f"trainer.max_epochs or +trainer.max_steps{also}"
        )
    accumulate = trainer.get("accumulate_grad_batches", 1)
    if not isinstance(accumulate, int) or accumulate < 1:
        return f"trainer.accumulate_grad_batches={accumulate}: expected a number of batches from 1 on"
    return None


def _refused_part(trainer: Mapping[str, Any]) -> str | None:
    """Explain why an option asks for a part of the data, or of the run, in a way that does not fit."""
    if trainer.get("limit_val_batches") == 0:
        return (
            "trainer.limit_val_batches=0: validation chooses the best weights; +trainer.check_val_every_n_epoch=N "
            "validates less often, +trainer.limit_val_batches=1 on one batch"
        )
    share = trainer.get("limit_train_batches")
    if isinstance(share, float) and 0 < share < 1:
        return (
            f"trainer.limit_train_batches={share}: a share of the batches is not known before they are made; write "
            f"data.fraction={share}, or a whole number of batches"
        )
    if trainer.get("overfit_batches"):
        return (
            f"trainer.overfit_batches={trainer['overfit_batches']}: use +debug=overfit, which trains on a few "
            "sentences again and again (data.limit of them)"
        )
    if trainer.get("use_distributed_sampler"):
        return "trainer.use_distributed_sampler=true: our samplers share sentences out themselves; leave it false"
    if trainer.get("barebones"):
        return "trainer.barebones=true: leaves out what chooses, records and scores; +debug=profile shows costs"
    return next((f"trainer.{key}: {why}" for key, why in OURS.items() if key in trainer), None)
