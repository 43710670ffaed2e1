"""Find everything that can be known to be wrong before a run starts, in a fraction of a second."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from ner_lightning.command_line.checks import check, check_in_sweep
from ner_lightning.command_line.compose import compose, hydra_session, is_sweep, sample_jobs
from ner_lightning.command_line.explain import explain_error
from ner_lightning.command_line.hydra_node import check_hydra
from ner_lightning.command_line.vocabulary import Vocabulary
from ner_lightning.errors import UserError
from ner_lightning.run.child_process import is_checked
from ner_lightning.trainer.combinations import explain_refusal
from ner_lightning.vendors.hydra import Hydra

log = logging.getLogger(__name__)


def preflight(command: str, arguments: Namespace, *, isolated: bool = False) -> bool:
    """Compose the configuration of a command, or one for every value of a sweep, and check it.

    Args:
        command: whose keys are checked.
        arguments: the command line, parsed. Where it asks to see the configuration it is composed, but not checked; a
            job whose sweep has checked it is not checked again.
        isolated: whether each job of a sweep gets a process of its own.

    Returns:
        Whether the command is a sweep.

    Raises:
        UserError: with one sentence that says what to type.
    """
    name = arguments.config_name or command
    with hydra_session(command, arguments.config_dir) as hydra:
        if arguments.cfg or arguments.info or is_checked():
            with explain_hydra_errors(hydra, name, arguments.overrides):
                config = compose(hydra, name, arguments.overrides)
            check_hydra(config)  # what Hydra would start is never taken on trust
            return False
        with explain_hydra_errors(hydra, name, arguments.overrides):
            sweeps = arguments.multirun or is_sweep(hydra, name, arguments.overrides)
        words = Vocabulary(hydra, name, [], command)
        for config in _configs(hydra, name, arguments.overrides, sweeps):
            container = check(config, words)
            if sweeps and not isolated:
                check_in_sweep(container)
            if not sweeps and (trainer := container.get("trainer")) and (why := explain_refusal(trainer, gpus=None)):
                raise UserError(f"{why}.")
        return sweeps


def first_job(command: str, arguments: Namespace) -> list[str] | None:
    """Return the overrides of a sweep's first job, whose configuration is to be shown; None if it is no sweep.

    A line says that there are others.

    Raises:
        UserError: with one sentence that says what to type.
    """
    name = arguments.config_name or command
    with hydra_session(command, arguments.config_dir) as hydra, explain_hydra_errors(hydra, name, arguments.overrides):
        if not (arguments.multirun or is_sweep(hydra, name, arguments.overrides)):
            return None
        words = [
            word for word in next(sample_jobs(hydra, name, arguments.overrides)) if not word.startswith("hydra.mode=")
        ]
    own = [word for word in words if word not in arguments.overrides]
    log.warning("# A sweep: this is its first job, %s.", " ".join(own) or "in which nothing varies")
    return [*words, "hydra.mode=RUN"]


def _configs(hydra: Hydra, name: str, overrides: list[str], sweeps: bool) -> Iterator[DictConfig]:
    """Yield the configuration of a single run, or of each run that represents a sweep."""
    with explain_hydra_errors(hydra, name, overrides):
        every = list(sample_jobs(hydra, name, overrides)) if sweeps else [overrides]
    for overrides in every:
        with explain_hydra_errors(hydra, name, overrides):
            config = compose(hydra, name, overrides)
        yield config


@contextmanager
def explain_hydra_errors(hydra: Hydra, command: str, overrides: list[str]) -> Iterator[None]:
    """Turn errors of Hydra, OmegaConf and the YAML parser into one sentence."""
    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        raise UserError(explain_error(error, hydra, command, overrides)) from error
