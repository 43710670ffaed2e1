"""What Hydra itself writes of a run or a sweep (`.hydra/`, `multirun.yaml`), without secrets."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ner_lightning.run.redaction import known_secrets, redact_yaml

MULTIRUN = "multirun.yaml"


def secrets_of(cfg: DictConfig) -> frozenset[str]:
    """The secrets of a run: those of the environment, and what its configuration has under secret keys."""
    try:
        values = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException:  # a value that is missing is told where it is asked for
        values = OmegaConf.to_container(cfg, resolve=False)
    return known_secrets(os.environ, values)


def redact_records(secrets: Collection[str]) -> None:
    """Take the secrets out of the files that Hydra has just written; to be called by a job before anything else."""
    hydra = HydraConfig.get()
    if hydra.output_subdir is not None:
        for file in sorted(Path(hydra.runtime.output_dir, hydra.output_subdir).glob("*.yaml")):
            redact_yaml(file, secrets)
    redact_yaml(Path(hydra.sweep.dir, MULTIRUN), secrets)
