"""What stands under conf/ and how it is chosen, found by looking, so that a new file is tested without being listed."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ner_lightning.command_line.checks import resolve_without_hydra
from ner_lightning.command_line.compose import compose, conf_folder, hydra_session
from ner_lightning.command_line.help import OVERLAYS

CONF = conf_folder()

# What the user alone knows, for the roots and options that ask for it.
GIVEN: dict[str, Any] = {
    "ckpt": "outputs",
    "run": "outputs",
    "folder": "outputs",
    "input": "-",
    "data.dir": "sample:en",
    "data.reader": OmegaConf.load(CONF / "data/reader/conll.yaml"),
}


def name_of(file: Path) -> str:
    """`data/reader/conll` for conf/data/reader/conll.yaml."""
    return file.relative_to(CONF).with_suffix("").as_posix()


FOREIGN = ("wandb",)  # folders whose files are read by others: tests/conf/test_wandb_sweeps.py
LAUNCHERS = "hydra/launcher"
SWEEPING = ("train",)  # roots whose sweeps have launchers

FILES = sorted((f for f in CONF.rglob("*.yaml") if f.relative_to(CONF).parts[0] not in FOREIGN), key=name_of)
ROOTS = [name_of(file) for file in FILES if file.parent == CONF]
OPTIONS = [name_of(file) for file in FILES if file.parent != CONF]
EXPERIMENTS = [name.partition("/")[2] for name in OPTIONS if name.startswith("experiment/")]


@functools.cache
def composed(root: str, *overrides: str) -> DictConfig:
    """A root with overrides, Hydra's own node included."""
    with hydra_session(root) as hydra:
        return compose(hydra, root, list(overrides))


@functools.cache
def groups_of(root: str) -> frozenset[str]:
    """The groups that a root has an option of, or a place for."""
    return frozenset(str(g) for g in composed(root).hydra.runtime.choices if not str(g).startswith("hydra/"))


def override_of(option: str) -> str:
    """`data=conll` for data/conll, `+experiment=crf` for an overlay."""
    group, _, name = option.rpartition("/")
    return f"{'+' if group in OVERLAYS else ''}{group}={name}"


def uses() -> list[tuple[str, str]]:
    """Every option with every root that has its group; overlays belong to the roots with a model to train."""
    pairs = []
    for option in OPTIONS:
        group = option.rpartition("/")[0]
        for root in ROOTS:
            groups = groups_of(root)
            parent = group.rpartition("/")[0]
            has_place = group in groups or (parent in groups and composed(root).hydra.runtime.choices[parent] is None)
            launches = group == LAUNCHERS and root in SWEEPING
            if option == "hydra/default" and "paths" not in groups:
                continue  # it makes a folder for each run, below the outputs
            if has_place or launches or (group in OVERLAYS and "model" in groups):
                pairs.append((root, option))
    return pairs


def overrides_for(root: str, option: str) -> list[str]:
    """What chooses an option of a root; the reader of a corpus needs the corpus first."""
    parent = option.rpartition("/")[0].rpartition("/")[0]
    choices = composed(root).hydra.runtime.choices
    first = [f"{parent}=conll"] if parent == "data" and choices.get("data") is None else []
    return [*first, override_of(option)]


def complete(root: str, *overrides: str) -> dict[str, Any]:
    """A root with overrides, resolved to plain containers, what the user must give filled in."""
    config = composed(root, *overrides).copy()
    for key in missing(config):
        OmegaConf.update(config, key, GIVEN[key])
    return resolve_without_hydra(config)


def missing(config: DictConfig) -> list[str]:
    """The dotted keys that are still `???`, Hydra's own left out."""
    return [
        key for key, value in leaves(OmegaConf.to_container(config)) if value == "???" and not key.startswith("hydra")
    ]


def leaves(node: Any, path: str = "") -> list[tuple[str, Any]]:
    """The values of a tree with their dotted keys."""
    if not (isinstance(node, dict) and (node or not path)):
        return [(path, node)]
    return [leaf for key, value in node.items() for leaf in leaves(value, f"{path}.{key}" if path else str(key))]


def nodes(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """The nodes that have a `_target_`, with their dotted keys."""
    if not isinstance(node, dict):
        return []
    found = [(path, node)] if "_target_" in node else []
    return found + [n for key, value in node.items() for n in nodes(value, f"{path}.{key}" if path else str(key))]
