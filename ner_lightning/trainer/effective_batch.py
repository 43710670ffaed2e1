"""Keep the sentences per optimiser step constant for any number of processes: `sweep.effective_batch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ner_lightning.errors import UserError
from ner_lightning.trainer.options import with_defaults


def with_effective_batch(config: dict[str, Any], gpus: int | None = None) -> dict[str, Any]:
    """Set the batch size and accumulation that make up `sweep.effective_batch`.

    Nothing changes if that is null. Otherwise `data.batch_size` stays if it divides the share of a process, or is
    lowered to the next number that does, and `trainer.accumulate_grad_batches` makes up the difference:
    batch_size · accumulate_grad_batches · processes = effective_batch.

    Args:
        config: of a training run, in plain containers.
        gpus: of this machine; None: asked where `trainer.devices` does not say a number.

    Raises:
        UserError: when the processes cannot share the sentences evenly.

    >>> trainer = {"accelerator": "cpu", "devices": 2, "accumulate_grad_batches": 1}
    >>> config = {"data": {"batch_size": 16}, "trainer": trainer, "sweep": {"effective_batch": 64}}
    >>> with_effective_batch(config)["data"], with_effective_batch(config)["trainer"]["accumulate_grad_batches"]
    ({'batch_size': 16}, 2)
    >>> config["sweep"]["effective_batch"] = 20
    >>> with_effective_batch(config)["data"], with_effective_batch(config)["trainer"]["accumulate_grad_batches"]
    ({'batch_size': 10}, 1)
    """
    wanted = (config.get("sweep") or {}).get("effective_batch")
    if wanted is None:
        return config
    if (largest := config["data"].get("batch_size")) is None:
        raise UserError("data.batch_size has been deleted, but sweep.effective_batch needs it: leave the ~ out")
    processes = world_size(config["trainer"], gpus)
    share, rest = divmod(wanted, processes)
    if rest or not share:
        fitting = [near * processes for near in (share, share + 1) if near]
        raise UserError(
            f"sweep.effective_batch={wanted}: {processes} processes cannot share {wanted} sentences evenly; "
            f"choose {' or '.join(map(str, fitting))}, or another trainer.devices"
        )
    batch = next(size for size in range(min(largest, share), 0, -1) if share % size == 0)
    return {
        **config,
        "data": {**config["data"], "batch_size": batch},
        "trainer": {**config["trainer"], "accumulate_grad_batches": share // batch},
    }


def world_size(trainer: Mapping[str, Any], gpus: int | None = None) -> int:
    """Count the processes of a run: devices per machine times machines.

    Args:
        trainer: the trainer's node of the configuration.
        gpus: of this machine; None: asked where `devices` does not say a number.

    >>> world_size({"accelerator": "cpu", "devices": 2}), world_size({"accelerator": "gpu", "devices": [0, 3, 5]})
    (2, 3)
    >>> world_size({"accelerator": "gpu", "devices": "auto", "num_nodes": 2}, gpus=4)
    8
    """
    trainer = with_defaults(trainer)
    devices, nodes = trainer["devices"], int(trainer["num_nodes"])
    if isinstance(devices, list):
        return len(devices) * nodes
    if isinstance(devices, str) and "," in devices:
        return len([part for part in devices.split(",") if part.strip()]) * nodes
    if str(devices) not in ("auto", "-1"):
        return int(devices) * nodes
    if trainer["accelerator"] == "cpu":
        return nodes
    if gpus is None:
        import torch

        gpus = torch.cuda.device_count()
    return max(1, gpus) * nodes
