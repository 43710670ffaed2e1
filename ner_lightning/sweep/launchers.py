"""Hand the jobs of a sweep to one of Hydra's launchers (SLURM or Ray); on this machine alone, the pool runs them."""

from __future__ import annotations

import importlib.util
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from omegaconf import DictConfig, OmegaConf

from ner_lightning.command_line.compose import hydra_session, sweep_config
from ner_lightning.errors import UserError
from ner_lightning.sweep.job import objective, quote_word
from ner_lightning.sweep.override_words import words_of_sweep
from ner_lightning.sweep.settings import SweepSettings
from ner_lightning.vendors import hydra as hydras

if TYPE_CHECKING:
    from ner_lightning.sweep.plan import SweepPlan


class Launching(NamedTuple):
    """The way in which the jobs of a sweep are launched.

    Attributes:
        here: whether they run on this machine, so that it is known what can run.
        elsewhere: whether they run in processes of the launcher, not in this one.
        side_by_side: number of jobs that share a machine.
        threads: CPU threads of a job, if the launcher decides that.
    """

    here: bool = True
    elsewhere: bool = False
    side_by_side: int = 1
    threads: int | None = None


def read_launcher(node: Mapping[str, Any], settings: SweepSettings, jobs: int) -> Launching:
    """Read the node `hydra.launcher`.

    Args:
        node: plain containers.
        settings: of the sweep.
        jobs: of the sweep.

    Raises:
        UserError: a plugin that is not installed, several tasks for one job, or two ways of starting jobs at once.

    >>> basic = {"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}
    >>> read_launcher(basic, SweepSettings(workers=4), jobs=6)
    Launching(here=True, elsewhere=False, side_by_side=4, threads=None)
    """
    kind = str(node["_target_"]).rpartition(".")[2]
    if kind == "BasicLauncher":
        return Launching(side_by_side=max(1, min(settings.workers, jobs)))
    check_installed(str(node["_target_"]))
    check_tasks(node)
    if settings.search is not None:
        raise UserError(
            "hydra/launcher: a search starts its trials itself, sweep.workers of them side by side; on a cluster, "
            "start the same command once for each worker"
        )
    if settings.workers != 1:
        raise UserError(
            f"sweep.workers={settings.workers}: those of this machine, and hydra/launcher starts jobs elsewhere; "
            "its own options say how many at a time (hydra.launcher.array_parallelism on SLURM)"
        )
    if kind == "LocalLauncher":  # submitit starts them all
        return Launching(elsewhere=True, side_by_side=max(1, jobs))
    if kind == "RayLauncher":
        ray = node.get("ray") or {}
        cpus = (ray.get("remote") or {}).get("num_cpus", 1)
        here = (ray.get("init") or {}).get("address") is None
        return Launching(here=here, elsewhere=True, threads=max(1, int(cpus)))
    return Launching(here=False, elsewhere=True)


def launch_jobs(command: str, arguments: Namespace, plan: SweepPlan) -> None:
    """Run the jobs of a grid by the launcher that the command line names; the manifest records how they ended.

    Hydra's own sweeper is not used: it gives jobs other words than were typed (`~callbacks.last=null`).
    """

    def job(config: DictConfig) -> float:
        return run_launched(plan, config)

    of_sweep = [*words_of_sweep(arguments.overrides, plan.sweep.flags), *_words_of_launcher(plan)]
    with hydra_session(command, arguments.config_dir) as hydra:
        config = sweep_config(hydra, arguments.config_name or command, of_sweep)
        hydras.hand_to_launcher(hydra, config, job, [*plan.values.jobs().values()])


def run_launched(plan: SweepPlan, config: DictConfig) -> float:
    """Run one job of a grid in a process of a launcher; returns its value.

    Raises:
        JobEndedBadly: the job failed; this is for the launcher's own records.
    """
    from hydra.core.hydra_config import HydraConfig

    overrides = hydras.typed_words(HydraConfig.get())
    name = plan.values.name(overrides)
    if plan.call.is_stopped:
        raise JobEndedBadly(f"{name}: not started")
    container = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    with plan.call.working(name):
        job = plan.sweep.run(name, overrides, container)
    if job.state in ("failed", "interrupted"):
        raise JobEndedBadly(f"{job.job}: {job.error}")
    return objective(job, plan.monitor)


class JobEndedBadly(Exception):
    """A job failed; the manifest says why."""


def _words_of_launcher(plan: SweepPlan) -> list[str]:
    """List the words that set the sweep's folder, and leave logs and folders to the jobs."""
    return [
        f"hydra.sweep.dir={quote_word(str(plan.sweep.home))}",
        "hydra.sweep.subdir=.",
        "hydra/job_logging=none",
        "hydra/hydra_logging=none",
        "hydra.verbose=false",
        "hydra.job.chdir=false",
    ]


def check_installed(target: str) -> None:
    """Refuse the launcher of a plugin that is not installed.

    Raises:
        UserError: names the extra to install.
    """
    package = ".".join(target.split(".")[:2])
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        found = None
    if found is None:
        extra = "ray" if "ray" in package else "launchers"
        raise UserError(f"hydra/launcher: {package} is not installed; pip install 'ner-lightning[{extra}]'")


def check_tasks(node: Mapping[str, Any]) -> None:
    """Refuse several tasks for a job: each of them would run it.

    Raises:
        UserError: says what to do.
    """
    for key in ("nodes", "tasks_per_node"):
        if (asked := node.get(key) or 1) > 1:
            raise UserError(
                f"hydra.launcher.{key}={asked}: a job of a sweep is one task on one machine and starts its own "
                "processes there (trainer=ddp); a run over several machines is started with srun, see docs/cluster.md"
            )
