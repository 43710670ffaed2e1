"""Read the words of a sweep's command line: what varies, what every job is given, and the sweep's folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from ner_lightning.command_line.compose import conf_folder
from ner_lightning.errors import UserError
from ner_lightning.run.redaction import known_secrets, tells_secret
from ner_lightning.sweep.naming import job_name, key_of, value_of
from ner_lightning.vendors.hydra import Hydra, OverridesParser, swept_words, typed_words

OF_THE_SWEEP = ("hydra.sweep", "hydra/sweep", "hydra.launcher", "hydra/launcher", "hydra.mode")
OF_BOTH = ("hydra.searchpath",)

_HYDRAS = ("multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}", "${hydra.job.num}")
"""Folders where Hydra itself would write a sweep and its jobs."""


class Values(NamedTuple):
    """The overrides of a sweep: those of every job, and the values of each key that varies.

    Attributes:
        fixed: overrides of every job.
        varied: the overrides of each key with several values.
        ranges: the ranges of keys without a list of values.
        replaced: sentences about keys that would vary if a later word did not give them one value.
    """

    fixed: tuple[str, ...]
    varied: dict[str, tuple[str, ...]]
    ranges: dict[str, Any]
    replaced: tuple[str, ...] = ()

    def jobs(self) -> dict[str, tuple[str, ...]]:
        """Every combination: its overrides, by the name of the job."""
        found = {}
        for words in itertools.product(*self.varied.values()):
            found[self.name(words)] = (*self.fixed, *words)
        return found

    def name(self, overrides: Sequence[str]) -> str:
        """Return the name of the job with these overrides."""
        given = {key_of(word): value_of(word) for word in overrides}
        return job_name({key: given[key] for key in (*self.varied, *self.ranges) if key in given})


def read_values(hydra: Hydra, master: DictConfig) -> Values:
    """Read what varies in a sweep, in the order in which Hydra's own sweeper takes it."""
    parser = OverridesParser.create(config_loader=hydra.config_loader)
    fixed: dict[str, str] = {}
    varied: dict[str, tuple[str, ...]] = {}
    ranges: dict[str, Any] = {}
    typed: dict[str, str] = {}
    replaced: dict[str, str] = {}
    for override in parser.parse_overrides([*swept_words(master.hydra), *typed_words(master.hydra)]):
        word, key = str(override.input_line), override.get_key_element()
        name = key_of(key)
        for found in (fixed, varied, ranges):
            found.pop(name, None)  # the last word on a key counts
        if not override.is_sweep_override():
            if name in typed:
                replaced[name] = f"{word} for all jobs: it takes the place of {typed[name]}, which would vary"
            fixed[name] = word
            continue
        typed[name] = word
        replaced.pop(name, None)
        if override.is_discrete_sweep():
            varied[name] = tuple(f"{key}={value}" for value in override.sweep_string_iterator())
        else:
            ranges[name] = override.value()
    return Values(tuple(fixed.values()), varied, ranges, tuple(replaced.values()))


def check_public(values: Values) -> None:
    """Refuse secrets that vary: varied values appear in names of folders, runs and tags, and in a search's record.

    Raises:
        UserError: says what to do.
    """
    secrets = known_secrets(os.environ)
    for key, words in values.varied.items():
        if tells_secret(words, secrets):
            raise UserError(
                f"{key}: a secret cannot vary in a sweep, for its values would name folders and runs; give one value, "
                f"best by the environment: {key}='${{oc.env:MY_{key.rpartition('.')[2].upper()}}}'"
            )


def words_of_jobs(master: DictConfig) -> tuple[str, ...]:
    """Select the words for Hydra that every job gets, such as `hydra.verbose=true` and `hydra/job_logging=…`.

    Args:
        master: the configuration of the sweep, with Hydra's own node.
    """
    return tuple(word for word in typed_words(master.hydra, "hydra") if not key_of(word).startswith(OF_THE_SWEEP))


def words_of_sweep(words: Iterable[str], of_jobs: Iterable[str]) -> list[str]:
    """Drop the words for the jobs, which would start logs and change folders here too.

    >>> words_of_sweep(["seed=1,2", "hydra.verbose=true"], ["--config-dir", "mine", "hydra.verbose=true"])
    ['seed=1,2']
    """
    left = {word for word in of_jobs if key_of(word).startswith(("hydra.", "hydra/")) and not word.startswith(OF_BOTH)}
    return [word for word in words if word not in left]


def folder_asked_for(master: DictConfig) -> Path | None:
    """Return the folder that `hydra.sweep.dir` names for a sweep; None if it is not given.

    Raises:
        UserError: the folder of a single run is given, or the user's own names of jobs.
    """
    asked = OmegaConf.to_container(master.hydra.sweep, resolve=False)
    usual = OmegaConf.to_container(OmegaConf.load(conf_folder() / "hydra/default.yaml"), resolve=False)
    assert isinstance(asked, dict)
    assert isinstance(usual, dict)
    for word in typed_words(master.hydra, "hydra"):
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
