"""Check what a configuration tells Hydra itself: only its plugins and its logging, and no foreign code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ner_lightning.config.catalogue import LOGGING
from ner_lightning.config.moved import told_of_gone
from ner_lightning.config.targets import check_targets
from ner_lightning.errors import UserError

STREAMS = ("ext://sys.stdout", "ext://sys.stderr")


def check_hydra(config: DictConfig) -> None:
    """Refuse what Hydra would call before our own checks, or what would change the environment of a run.

    Args:
        config: composed, with Hydra's own node, interpolations in place.

    Raises:
        UserError: names the key and what to do.
    """
    node: Any = OmegaConf.to_container(config.hydra, resolve=False)
    if "Joblib" in str((node.get("launcher") or {}).get("_target_")):  # a plugin that may be installed
        raise UserError(told_of_gone("hydra/launcher", "joblib"))
    for key in ("job_logging", "hydra_logging"):
        _check_logging(f"hydra.{key}", node.pop(key, None))
    check_targets(node, ("hydra",))
    if variables := (node.get("job") or {}).get("env_set"):
        name = next(iter(variables))
        raise UserError(
            f"hydra.job.env_set.{name}: a configuration sets no environment; write {name}=VALUE before the command."
        )


def check_source(node: Any, where: str) -> None:
    """Refuse a YAML file that would have Hydra import packages before the configuration is composed.

    Raises:
        UserError: it names folders of its own.
    """
    if OmegaConf.is_dict(node) and OmegaConf.select(node, "hydra.searchpath", throw_on_resolution_failure=False):
        raise UserError(f"{where}: hydra.searchpath is not heeded in files; name the folder with --config-dir FOLDER.")


def _check_logging(place: str, node: Any) -> None:
    for path, key, value in _leaves(node, place):
        if key in ("()", "class") and value not in LOGGING:
            raise UserError(f"{path}: {value} is not allowed; choose one of {', '.join(LOGGING)}.")
        if isinstance(value, str) and "ext://" in value and value not in STREAMS:
            raise UserError(f"{path}: {value} is not allowed; choose one of {', '.join(STREAMS)}.")


def _leaves(node: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        here = f"{path}.{key}"
        if isinstance(value, dict | list):
            yield from _leaves(value, here)
        yield here, str(key), value
