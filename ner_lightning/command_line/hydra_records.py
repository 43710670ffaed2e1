"""Remove secrets from what Hydra itself writes about a run or a sweep (`.hydra/`, `multirun.yaml`)."""

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
    """Collect the secrets of a run: those of the environment, and those under secret keys of its configuration."""
    try:
        values = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException:  # a missing value is reported where it is used
        values = OmegaConf.to_container(cfg, resolve=False)
    return known_secrets(os.environ, values)


def redact_records(secrets: Collection[str]) -> None:
    """Remove the secrets from the files that Hydra has just written; a job must call it first."""
    hydra = HydraConfig.get()
    if hydra.output_subdir is not None:
        for file in sorted(Path(hydra.runtime.output_dir, hydra.output_subdir).glob("*.yaml")):
            redact_yaml(file, secrets)
    redact_yaml(Path(hydra.sweep.dir, MULTIRUN), secrets)
