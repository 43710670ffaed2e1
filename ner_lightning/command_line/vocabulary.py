"""The words a command knows: its keys, its groups and their options, to answer a mistyped one."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from difflib import get_close_matches

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from ner_lightning.command_line.compose import compose, list_groups
from ner_lightning.config.signatures import Signature, signature
from ner_lightning.vendors.hydra import Hydra, ObjectType

# Groups of overlays: files that change values anywhere, for commands that train a model.
OVERLAYS = ("experiment", "sweep", "debug")

# Names that people know from other tools.
MEANT_KEYS = {
    "freeze": "model.encoder.freeze_word_embeddings, or +experiment=[crf,lora], which freezes the encoder",
    "freeze_encoder": "+experiment=[crf,lora], which freezes the encoder and trains adapters",
    "gpus": "trainer=gpu, or trainer.devices beside it",
    "learning_rate": "optim.encoder_lr",
    "num_train_epochs": "trainer.max_epochs",
    "per_device_train_batch_size": "data.batch_size",
    "train_batch_size": "data.batch_size",
    "output_dir": "hydra.run.dir",
    "resume": "ckpt_path",
    "resume_from_checkpoint": "ckpt_path",
    "path": "data.dir",
    "fp16": "trainer.precision=16-mixed",
    "bf16": "trainer.precision=bf16-mixed",
}


class Vocabulary:
    """The keys and groups of a command.

    Args:
        hydra: a session.
        root: name of the root YAML.
        overrides: a command line that cannot be composed; what can be composed of it decides which keys there are.
        command: whose keys they are; None: named like the root YAML.
    """

    def __init__(self, hydra: Hydra, root: str, overrides: list[str], command: str | None = None) -> None:
        self.hydra = hydra
        self.root = root
        self.command = command or root
        self.groups = list_groups(hydra)
        # Which keys there are is decided by the options of groups, not by values.
        self._choices = [override for override in overrides if override.lstrip("+").partition("=")[0] in self.groups]

    @functools.cached_property
    def config(self) -> DictConfig:
        """The configuration, as far as it can be composed; composed only where there is something to explain."""
        return self._composed(self._choices) or DictConfig({})

    @functools.cached_property
    def keys(self) -> list[str]:
        """All keys of the configuration, with dots."""
        return [key for key in _dotted(self.config) if not key.startswith("hydra")]

    def _composed(self, overrides: list[str]) -> DictConfig | None:
        """Compose as many of the overrides as possible."""
        try:
            return compose(self.hydra, self.root, overrides)
        except (HydraException, OmegaConfBaseException, YAMLError, ValueError):
            return self._composed(overrides[:-1]) if overrides else None

    @property
    def chosen(self) -> list[str]:
        """Groups of which the command already has an option."""
        choices = OmegaConf.select(self.config, "hydra.runtime.choices") or {}
        return [str(group) for group in choices if str(group).partition("/")[0] != "hydra"]

    def options(self, group: str) -> list[str]:
        """List the files of a group by name."""
        return sorted(self.hydra.config_loader.get_group_options(group, ObjectType.CONFIG))

    def options_with(self, key: str) -> list[str]:
        """List the options of a key's group with which the key would exist."""
        group = self.group_of(key)
        return [option for option in self.options(group) if self._holds(group, option, key)] if group else []

    def group_of(self, key: str) -> str | None:
        """Find the innermost group that contains a key, among those of which the command has an option.

        `callbacks.early_stopping.patience` is in `callbacks`.
        """
        parts = key.split(".")
        groups = ("/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
        return next((group for group in groups if group in self.groups and group in self.chosen), None)

    def _holds(self, group: str, option: str, key: str) -> bool:
        config = self._composed([f"{group}={option}"])
        try:
            node = None if config is None else OmegaConf.select(config, key.rpartition(".")[0])
        except OmegaConfBaseException:
            return False
        return isinstance(node, DictConfig) and key.rpartition(".")[2] in node

    def signature(self, key: str) -> Signature | None:
        """Read the arguments of the class of a node."""
        target = OmegaConf.select(self.config, f"{key}._target_", throw_on_missing=False) if key else None
        return signature(target) if isinstance(target, str) else None

    def nearest(self, key: str) -> str | None:
        """Find the known key that a mistyped one means: a sibling, the same name elsewhere, or a similar spelling.

        An argument of a class that its YAML does not list gets a `+` in front.
        """
        if meant := MEANT_KEYS.get(_name(key)):
            return meant
        parent, _, name = key.rpartition(".")
        siblings = {_name(k): k for k in self.keys if k.rpartition(".")[0] == parent and _name(k) != "_target_"}
        taken = self.signature(parent)
        unlisted = {n: f"+{parent}.{n}" for n in taken.parameters} if taken else {}
        for candidates in (siblings, unlisted):
            if match := closest(name, candidates):
                return candidates[match]
        elsewhere = [k for k in self.keys if _name(k) == name or k.endswith(f"_{name}")]
        if elsewhere:
            return " or ".join(elsewhere)
        if parent and (match := closest(name, siblings, 0.5)):  # the place is right, and has few keys
            return siblings[match]
        leaves = [k for k in self.keys if not any(other.startswith(f"{k}.") for other in self.keys)]
        # Siblings are left out: their common beginning alone would make them similar.
        return closest(key, [k for k in leaves if not parent or k.rpartition(".")[0] != parent], 0.75)


def closest(word: str, words: Iterable[str], likeness: float = 0.6) -> str | None:
    """Find the word spelt most alike; None if none is similar enough (by the ratio of `difflib`).

    >>> closest("conl", ["jsonl", "conll", "hf"])
    'conll'
    >>> closest("bert", ["jsonl", "conll", "hf"])
    """
    found = get_close_matches(word, list(words), n=1, cutoff=likeness)
    return found[0] if found else None


def _dotted(node: DictConfig, prefix: str = "") -> list[str]:
    found = []
    for key, value in ((str(k), v) for k, v in node.items_ex(resolve=False)):
        found.append(f"{prefix}{key}")
        if isinstance(value, DictConfig) and not value._is_missing() and not value._is_none():
            found += _dotted(value, f"{prefix}{key}.")
    return found


def _name(key: str) -> str:
    return key.rpartition(".")[2]
