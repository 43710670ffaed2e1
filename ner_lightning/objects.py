"""From the nodes of a configuration to objects; costs no import but that of what is built."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ner_lightning.targets import check_targets


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The configuration resolved, in plain containers, every `_target_` on the list of those allowed."""
    container = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    assert isinstance(container, dict)
    check_targets(container)
    return {str(key): value for key, value in container.items()}


def make(node: Mapping[str, Any], **objects: Any) -> Any:
    """Build the object of a configuration node: its `_target_` called with its keys.

    Nodes inside it that have a `_target_` are built first, at any depth, unless given.

    Args:
        node: plain containers, its targets checked.
        objects: arguments that are not configuration; they win over keys of the node.

    >>> make({"_target_": "fractions.Fraction", "numerator": 1}, denominator=2)
    Fraction(1, 2)
    """
    module, _, name = node["_target_"].rpartition(".")
    arguments = {key: _built(value) for key, value in node.items() if key != "_target_" and key not in objects}
    return getattr(importlib.import_module(module), name)(**arguments, **objects)


def _built(value: Any) -> Any:
    if isinstance(value, Mapping):
        return make(value) if "_target_" in value else {key: _built(item) for key, item in value.items()}
    return [_built(item) for item in value] if isinstance(value, list) else value
