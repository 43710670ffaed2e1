"""New names of classes that have moved, so that runs written before can still be read, and what replaces options."""

from __future__ import annotations

from typing import Any

MOVED = {
    "ner_lightning.callbacks.pruning.Pruning": "ner_lightning.sweep.pruning.Pruning",
    "ner_lightning.callbacks.step_profile.StepProfile": "ner_lightning.callbacks.profile.step_profile.StepProfile",
    "ner_lightning.callbacks.wandb_logger.wandb_logger": "ner_lightning.logger.wandb.wandb_logger",
}
"""The name that a stored `_target_` may have, and its name today."""

_SIDE_BY_SIDE = "jobs side by side on this machine are sweep.workers=N, without a launcher."

GONE = {
    "hydra/launcher=joblib": _SIDE_BY_SIDE,
    "hydra/launcher=parallel": _SIDE_BY_SIDE,
    "trainer=fsdp": "trainer=fsdp2 does its work, and clips gradients by norm.",
    "trainer=deepspeed": "trainer=fsdp2 shards too, and its checkpoints are like any other.",
}
"""Options of groups that no longer exist, and what to use instead."""


def with_present_names(config: Any) -> Any:
    """Replace the old names of classes in a configuration; change nothing else.

    Args:
        config: plain containers.

    >>> with_present_names({"logger": {"wandb": {"_target_": "ner_lightning.callbacks.wandb_logger.wandb_logger"}}})
    {'logger': {'wandb': {'_target_': 'ner_lightning.logger.wandb.wandb_logger'}}}
    """
    if isinstance(config, dict):
        return {
            key: MOVED.get(value, value) if key == "_target_" and isinstance(value, str) else with_present_names(value)
            for key, value in config.items()
        }
    return [with_present_names(value) for value in config] if isinstance(config, list) else config


def told_of_gone(group: str, option: str) -> str | None:
    """Say what to use instead of an option that is gone; None if there was no such option.

    >>> told_of_gone("trainer", "fsdp")
    'trainer=fsdp is gone: trainer=fsdp2 does its work, and clips gradients by norm.'
    """
    word = f"{group}={option}"
    return f"{word} is gone: {GONE[word]}" if word in GONE else None
