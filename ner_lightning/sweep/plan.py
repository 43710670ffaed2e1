"""Derive a sweep's name, folder and jobs from its command line, before anything runs."""

from __future__ import annotations

import contextlib
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from ner_lightning.command_line.checks import check, resolve_without_hydra
from ner_lightning.command_line.compose import compose, hydra_session, list_groups, sweep_config
from ner_lightning.command_line.preflight import explain_hydra_errors
from ner_lightning.command_line.vocabulary import Vocabulary
from ner_lightning.errors import UserError
from ner_lightning.sweep.call import Call
from ner_lightning.sweep.job import Sweep
from ner_lightning.sweep.launchers import Launching, read_launcher
from ner_lightning.sweep.manifest import About, Job
from ner_lightning.sweep.naming import key_of, sweep_name
from ner_lightning.sweep.override_words import Values, check_public, folder_asked_for, read_values, words_of_jobs
from ner_lightning.sweep.settings import SweepSettings
from ner_lightning.trainer.combinations import explain_refusal
from ner_lightning.trainer.effective_batch import with_effective_batch
from ner_lightning.trainer.options import with_defaults
from ner_lightning.vendors.hydra import Hydra

HOME = "sweeps"
"""Folder below the outputs, with one folder for each sweep."""

TRIAL = "trial-"
"""Beginning of the names of a search's jobs."""

DECIDING = ("trainer.", "data.batch_size", "sweep.effective_batch")
"""Keys that, besides groups of files, decide whether a job can run."""

_HYDRA = threading.Lock()  # Hydra is one per process; no part of a plan, which launchers pickle


class Composer:
    """Composes and checks the configurations of jobs, one at a time, as Hydra is one per process.

    Args:
        command: the command that the jobs run.
        arguments: its parsed command line.
    """

    def __init__(self, command: str, arguments: Namespace) -> None:
        self.command, self.name, self.folder = command, arguments.config_name or command, arguments.config_dir
        self._vocabulary: Vocabulary | None = None

    def compose_job(self, words: Sequence[str]) -> dict[str, Any]:
        """Compose the configuration of a job: resolved, in plain containers.

        Raises:
            UserError: it cannot be composed, or cannot be run.
        """
        with _HYDRA, hydra_session(self.command, self.folder) as hydra:
            self._vocabulary = self._vocabulary or Vocabulary(hydra, self.name, [])
            with explain_hydra_errors(hydra, self.name, [*words]):
                config = compose(hydra, self.name, [*words, "hydra.mode=RUN"])
            return check(config, self._vocabulary)


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
        composer: composes the configurations of its jobs.
    """

    sweep: Sweep
    values: Values
    monitor: str
    mode: str
    call: Call
    launching: Launching
    composer: Composer

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

    @property
    def of_others(self) -> list[str]:
        """List the jobs that another call or process runs now."""
        running = {name for name, job in self.sweep.manifest.jobs().items() if job.state == "running"}
        return [name for name in self.names if name in running or self.sweep.is_busy(name)]

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Guard the jobs: none is left behind, or recorded as running when it is not."""
        try:
            with self.call.stoppable() if self.launching.elsewhere else contextlib.nullcontext():
                yield
        finally:
            self.sweep.write_down_orphans()
            self.call.end()


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
        how = read_launcher(node, settings, jobs=settings.search.trials if settings.search else len(values.jobs()))
        settings = replace(settings, threads=settings.threads or how.threads)
        found = SweepPlan(
            Sweep(home, settings, (*_flags(arguments), *of_jobs), how.side_by_side, (*values.varied, *values.ranges)),
            values,
            monitor=container["monitor"],
            mode=container["callbacks"].get("checkpoint", {}).get("mode", "max"),
            call=Call.begin(home),
            launching=how,
            composer=Composer(command, arguments),
        )
        swept = (*values.varied, *values.ranges)
        found.sweep.manifest.describe(About(str(settings.name), found.monitor, found.mode, swept, values.fixed))
        if settings.search is None:
            register_jobs(hydra, name, found, gpus=_gpus if how.here else None)
    return found


def register_jobs(hydra: Hydra, command: str, plan: SweepPlan, gpus: Callable[[], int] | None) -> None:
    """Write the jobs of a grid into the manifest; those that cannot work here are skipped with the reason."""
    groups = set(list_groups(hydra))
    refusals: dict[tuple[str, ...], str | None] = {}
    rows = []
    for name, overrides in plan.values.jobs().items():
        deciding = tuple(word for word in overrides if key_of(word) in groups or key_of(word).startswith(DECIDING))
        if deciding not in refusals:
            refusals[deciding] = _refusal_of(hydra, command, deciding, gpus)
        why = refusals[deciding]
        rows.append(Job(name, overrides, "skipped" if why else "pending", error=why))
    manifest = plan.sweep.manifest
    manifest.register(rows)
    known = manifest.jobs()
    for row in rows:  # another machine may be able to run what was skipped, and vice versa
        before = known[row.job].state
        if before in ("pending", "skipped") and before != row.state:
            manifest.change(row.job, state=row.state, error=row.error)


def _refusal_of(hydra: Hydra, command: str, words: Sequence[str], gpus: Callable[[], int] | None) -> str | None:
    """Explain why jobs with these words cannot run; None also if they do not fit together, which each job reports."""
    try:
        with explain_hydra_errors(hydra, command, [*words]):
            config = compose(hydra, command, [*words, "hydra.mode=RUN"])
    except UserError:
        return None
    nodes = OmegaConf.masked_copy(config, ["trainer", "data", "sweep"])
    container = cast(dict[str, Any], OmegaConf.to_container(nodes, resolve=False))
    container["trainer"] = with_defaults(container["trainer"])
    needs_gpu = container["trainer"]["accelerator"] != "cpu"
    return _refusal(container, gpus() if gpus and needs_gpu else None)


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


def _representative(values: Values) -> list[str]:
    return [*values.fixed, *(words[0] for words in values.varied.values())]


def _flags(arguments: Namespace) -> tuple[str, ...]:
    flags = {"--config-dir": arguments.config_dir, "--config-name": arguments.config_name}
    return tuple(word for flag, value in flags.items() if value is not None for word in (flag, str(value)))


def _gpus() -> int:
    """Count the GPUs here; torch is loaded only if a job asks for a GPU."""
    import torch

    return torch.cuda.device_count()
