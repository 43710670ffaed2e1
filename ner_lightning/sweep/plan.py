"""Derive a sweep's name, folder and jobs from its command line, before anything runs."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

from hydra._internal.hydra import Hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf

from ner_lightning.command_line.checks import resolve_without_hydra
from ner_lightning.command_line.compose import compose, hydra_session, sweep_config
from ner_lightning.command_line.hydra_records import redact_records, secrets_of
from ner_lightning.errors import UserError
from ner_lightning.run.redaction import known_secrets, tells_secret
from ner_lightning.sweep.call import Call
from ner_lightning.sweep.hydra_words import folder_asked_for, words_of_jobs, words_of_sweep
from ner_lightning.sweep.job import Sweep, objective, quote_word
from ner_lightning.sweep.launchers import Launching, read_launcher
from ner_lightning.sweep.manifest import OVER, About, Job
from ner_lightning.sweep.naming import job_name, key_of, sweep_name, value_of
from ner_lightning.sweep.settings import SweepSettings
from ner_lightning.trainer.combinations import explain_refusal
from ner_lightning.trainer.effective_batch import with_effective_batch

HOME = "sweeps"
"""Folder below the outputs, with one folder for each sweep."""

TRIAL = "trial-"
"""Beginning of the names of a search's jobs."""

DECIDING = ("trainer.", "data.batch_size", "sweep.effective_batch")
"""Keys that, besides groups of files, decide whether a job can run."""


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


@dataclass(frozen=True)
class SweepPlan:
    """A sweep that is about to run.

    Attributes:
        sweep: where and how its jobs run.
        values: what varies.
        monitor: the metric that decides.
        mode: whether large (`max`) or small (`min`) values of it are good.
        call: this call, for the processes of a launcher.
        launching: how its jobs are launched.
        only: names of the jobs to run; None: all of them.
    """

    sweep: Sweep
    values: Values
    monitor: str
    mode: str
    call: Call
    launching: Launching
    only: frozenset[str] | None = None

    @property
    def names(self) -> list[str]:
        """The jobs that this command asks for; the folder may hold others."""
        if self.sweep.settings.search is None:
            return [*self.values.jobs()]
        return [name for name in self.sweep.manifest.jobs() if name.startswith(TRIAL)]

    @property
    def went_well(self) -> bool:
        """Whether each job has ended well, was ended early by a search, or cannot run here."""
        known = self.sweep.manifest.jobs()
        return all(name in known and known[name].state in ("finished", "pruned", "skipped") for name in self.names)

    def wait_for_others(self, say: Callable[[str], None]) -> frozenset[str]:
        """Wait for the jobs that another call or process runs, and return those it left unfinished."""
        running = {name for name, job in self.sweep.manifest.jobs().items() if job.state == "running"}
        others = [name for name in self.names if name in running or self.sweep.is_busy(name)]
        if not others:
            return frozenset()
        say(f"Waiting for {', '.join(others)}: another process runs {'it' if len(others) == 1 else 'them'}")
        while any(self.sweep.is_busy(name) for name in others):
            time.sleep(1)
        known = self.sweep.manifest.jobs()
        return frozenset(name for name in others if name not in known or known[name].state not in OVER)

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Guard the jobs: none is left behind, or recorded as running when it is not."""
        try:
            with self.call.stoppable() if self.launching.elsewhere else contextlib.nullcontext():
                yield
        finally:
            self.sweep.write_down_orphans()
            self.call.end()

    def hydra_words(self, argv: Iterable[str]) -> list[str]:
        """Build the command line for Hydra: the sweep's folder, with logs and folders left to the jobs."""
        home = self.sweep.home
        return [
            *words_of_sweep(argv, self.sweep.flags),
            f"hydra.sweep.dir={quote_word(str(home))}",
            "hydra.sweep.subdir=.",
            "hydra/job_logging=none",
            "hydra/hydra_logging=none",
            "hydra.verbose=false",
            "hydra.job.chdir=false",
        ]


def plan_sweep(command: str, arguments: Namespace) -> SweepPlan:
    """Plan the sweep of a command line, and register its jobs in its manifest.

    Raises:
        UserError: a search without ranges, values that need a search without one, or secrets that vary.
    """
    name = arguments.config_name or command
    with hydra_session(command, arguments.config_dir) as hydra:
        master = sweep_config(hydra, name, arguments.overrides)
        values = read_values(hydra, master)
        check_public(values)
        of_jobs = words_of_jobs(master)
        container = resolve_without_hydra(compose(hydra, name, [*_representative(values), *of_jobs, "hydra.mode=RUN"]))
        settings = SweepSettings.of(container["sweep"])
        if values.ranges and settings.search is None:
            key, value = next(iter(values.ranges.items()))
            raise UserError(f"{key}={value}: a range has no list of values; add +sweep=optuna_lr, or write values")
        if not (values.varied or values.ranges):
            raise UserError("-m, but nothing varies: give a key several values, as in seed=1,2,3, or +sweep=lr")
        settings = replace(settings, name=settings.name or sweep_name(values.fixed, [*values.varied, *values.ranges]))
        home = (folder_asked_for(master) or Path(container["paths"]["outputs"], HOME, str(settings.name))).absolute()
        node = cast(dict[str, Any], OmegaConf.to_container(master.hydra.launcher))
        how = read_launcher(node, jobs=len(values.jobs()))
        if settings.search is not None and how.elsewhere:
            raise UserError(
                "hydra/launcher: a search starts its trials itself, sweep.search.workers of them side by side; on a "
                "cluster, start the same command as often as there are to be workers"
            )
        settings = replace(settings, threads=settings.threads or how.threads)
        at_once = settings.search.workers if settings.search else how.side_by_side
        found = SweepPlan(
            Sweep(home, settings, (*_flags(arguments), *of_jobs), at_once, (*values.varied, *values.ranges)),
            values,
            monitor=container["monitor"],
            mode=container["callbacks"].get("checkpoint", {}).get("mode", "max"),
            call=Call.begin(home),
            launching=how,
        )
        swept = (*values.varied, *values.ranges)
        found.sweep.manifest.describe(About(str(settings.name), found.monitor, found.mode, swept, values.fixed))
        if settings.search is None:
            register_jobs(hydra, name, found, gpus=_gpus if how.here else None)
    return found


def read_values(hydra: Hydra, master: DictConfig) -> Values:
    """Read what varies in a sweep, in the order in which Hydra's own sweeper takes it."""
    swept = [f"{key}={value}" for key, value in (master.hydra.sweeper.get("params") or {}).items()]
    parser = OverridesParser.create(config_loader=hydra.config_loader)
    fixed: dict[str, str] = {}
    varied: dict[str, tuple[str, ...]] = {}
    ranges: dict[str, Any] = {}
    typed: dict[str, str] = {}
    replaced: dict[str, str] = {}
    for override in parser.parse_overrides([*swept, *master.hydra.overrides.task]):
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


def register_jobs(hydra: Hydra, command: str, plan: SweepPlan, gpus: Callable[[], int] | None) -> None:
    """Write the jobs of a grid into the manifest; those that cannot work here are skipped with the reason."""
    groups = set(hydra.list_all_config_groups())
    refusals: dict[tuple[str, ...], str | None] = {}
    rows = []
    for name, overrides in plan.values.jobs().items():
        deciding = tuple(word for word in overrides if key_of(word) in groups or key_of(word).startswith(DECIDING))
        if deciding not in refusals:
            config = compose(hydra, command, [*deciding, "hydra.mode=RUN"])
            nodes = OmegaConf.masked_copy(config, ["trainer", "data", "sweep"])
            container = cast(dict[str, Any], OmegaConf.to_container(nodes, resolve=False))
            needs_gpu = container["trainer"]["accelerator"] != "cpu"
            refusals[deciding] = _refusal(container, gpus() if gpus and needs_gpu else None)
        why = refusals[deciding]
        rows.append(Job(name, overrides, "skipped" if why else "pending", error=why))
    manifest = plan.sweep.manifest
    manifest.register(rows)
    known = manifest.jobs()
    for row in rows:  # another machine may be able to run what was skipped, and vice versa
        before = known[row.job].state
        if before in ("pending", "skipped") and before != row.state:
            manifest.change(row.job, state=row.state, error=row.error)


def _refusal(container: dict[str, Any], gpus: int | None) -> str | None:
    """Explain why a job cannot run, from the nodes that decide it."""
    if why := explain_refusal(container["trainer"], gpus):
        return why
    if (nodes := container["trainer"].get("num_nodes", 1)) != 1:
        return f"trainer.num_nodes={nodes}: a job of a sweep runs on one machine; see docs/cluster.md for more"
    if container["trainer"]["accelerator"] != "cpu" and gpus is None:
        return None  # how many processes share a batch is known only where it runs
    try:
        with_effective_batch(container, gpus)
    except UserError as error:
        return str(error)
    return None


def run_hydra_job(plan: SweepPlan, config: DictConfig) -> float:
    """Run one job of the grid; Hydra's launchers call this, here or in a process elsewhere.

    Raises:
        JobEndedBadly: the job failed; the sweep goes on, and the command exits with 1.
    """
    from hydra.core.hydra_config import HydraConfig

    redact_records(secrets_of(config))
    overrides = list(HydraConfig.get().overrides.task)
    name = plan.values.name(overrides)
    if plan.only is not None and name not in plan.only:
        return math.nan
    if plan.call.is_stopped:
        raise JobEndedBadly(f"{name}: not started")
    container = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    with plan.call.working(name):
        job = plan.sweep.run(name, overrides, container)
    if job.state in ("failed", "interrupted"):
        raise JobEndedBadly(f"{job.job}: {job.error}")
    return objective(job, plan.monitor)


class JobEndedBadly(CompactHydraException):
    """A job failed; the manifest says why."""


def _representative(values: Values) -> list[str]:
    return [*values.fixed, *(words[0] for words in values.varied.values())]


def _flags(arguments: Namespace) -> tuple[str, ...]:
    flags = {"--config-dir": arguments.config_dir, "--config-name": arguments.config_name}
    return tuple(word for flag, value in flags.items() if value is not None for word in (flag, str(value)))


def _gpus() -> int:
    """Count the GPUs here, without loading torch where nobody asks for one."""
    import torch

    return torch.cuda.device_count()
