"""New names of classes that have moved, so that runs written before can still be read."""

from __future__ import annotations

from typing import Any

MOVED = {
    "ner_lightning.callbacks.pruning.Pruning": "ner_lightning.sweep.pruning.Pruning",
    "ner_lightning.callbacks.step_profile.StepProfile": "ner_lightning.callbacks.profile.step_profile.StepProfile",
    "ner_lightning.callbacks.wandb_logger.wandb_logger": "ner_lightning.logger.wandb.wandb_logger",
}
"""The name that a stored `_target_` may have, and its name today."""


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
