"""Everything that can be known to be wrong before a run starts, found in a fraction of a second."""

from __future__ import annotations

from argparse import Namespace

from hydra._internal.hydra import Hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from ner_lightning.command_line.compose import compose, hydra_session, is_sweep, jobs
from ner_lightning.command_line.explain import explain
from ner_lightning.errors import UserError


def preflight(command: str, arguments: Namespace) -> list[DictConfig]:
    """Compose the configuration of a command, or of every value of a sweep, and check it.

    Raises:
        UserError: with one sentence that says what to type.
    """
    name = arguments.config_name or command
    with hydra_session(command, arguments.config_dir) as hydra:
        return [_composed(hydra, name, overrides) for overrides in _runs(hydra, name, arguments)]


def _runs(hydra: Hydra, name: str, arguments: Namespace) -> list[list[str]]:
    try:
        if arguments.multirun or is_sweep(hydra, name, arguments.overrides):
            return list(jobs(hydra, name, arguments.overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(error)) from error
    return [arguments.overrides]


def _composed(hydra: Hydra, name: str, overrides: list[str]) -> DictConfig:
    try:
        return compose(hydra, name, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(explain(error)) from error
