"""Hydra's own words in a sweep: which concern the sweep, which every job, and which have no meaning there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from ner_lightning.command_line.compose import conf_folder
from ner_lightning.errors import UserError
from ner_lightning.sweep.naming import key_of

OF_THE_SWEEP = ("hydra.sweep", "hydra/sweep", "hydra.launcher", "hydra/launcher", "hydra.mode")
OF_BOTH = ("hydra.searchpath",)

_HYDRAS = ("multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}", "${hydra.job.num}")
"""Folders where Hydra itself would write a sweep and its jobs."""


def words_of_jobs(master: DictConfig) -> tuple[str, ...]:
    """Select the words for Hydra that every job gets, such as `hydra.verbose=true` and `hydra/job_logging=…`.

    Args:
        master: the configuration of the sweep, with Hydra's own node.
    """
    return tuple(str(word) for word in master.hydra.overrides.hydra if not key_of(word).startswith(OF_THE_SWEEP))


def words_of_sweep(argv: Iterable[str], of_jobs: Iterable[str]) -> list[str]:
    """Drop the words that are for the jobs, which would start logs and change folders here too.

    >>> words_of_sweep(["-m", "seed=1,2", "hydra.verbose=true"], ["--config-dir", "mine", "hydra.verbose=true"])
    ['-m', 'seed=1,2']
    """
    left = {word for word in of_jobs if key_of(word).startswith(("hydra.", "hydra/")) and not word.startswith(OF_BOTH)}
    return [word for word in argv if word not in left]


def folder_asked_for(master: DictConfig) -> Path | None:
    """Return the folder that `hydra.sweep.dir` names for a sweep; None if it is not given.

    Raises:
        UserError: the folder of a single run is given, or the user's own names of jobs.
    """
    asked = OmegaConf.to_container(master.hydra.sweep, resolve=False)
    usual = OmegaConf.to_container(OmegaConf.load(conf_folder() / "hydra/default.yaml"), resolve=False)
    assert isinstance(asked, dict)
    assert isinstance(usual, dict)
    for word in master.hydra.overrides.hydra:
        if key_of(word) == "hydra.run.dir":
            raise UserError(
                f"{word}: that is the folder of a single run; write hydra.sweep.dir=FOLDER for the folder of a sweep, "
                "which has one for each job"
            )
    if asked["subdir"] not in (usual["sweep"]["subdir"], *_HYDRAS):
        raise UserError(
            f"hydra.sweep.subdir={asked['subdir']}: jobs have folders named after their values, so that the same "
            "command finds them again; leave it out"
        )
    if asked["dir"] in (usual["sweep"]["dir"], *_HYDRAS):
        return None
    return Path(str(master.hydra.sweep.dir)).expanduser()
