"""Interpret one of Hydra's launchers: where a sweep's jobs run, how many at a time, with how many threads."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any, NamedTuple

from ner_lightning.errors import UserError
from ner_lightning.sweep import process


class Launching(NamedTuple):
    """The way in which the jobs of a sweep are launched.

    Attributes:
        here: whether on this very machine, so that it is known what can run.
        elsewhere: whether in processes of the launcher, not in this one.
        side_by_side: number of jobs that share a machine.
        threads: CPU threads of a job, if the launcher decides that.
    """

    here: bool = True
    elsewhere: bool = False
    side_by_side: int = 1
    threads: int | None = None


def read_launcher(node: Mapping[str, Any], jobs: int) -> Launching:
    """Read the node `hydra.launcher`.

    Args:
        node: plain containers.
        jobs: number of jobs of the sweep.

    Raises:
        UserError: a plugin that is not installed, or several tasks for one job.

    >>> read_launcher({"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}, 6)
    Launching(here=True, elsewhere=False, side_by_side=1, threads=None)
    """
    kind = str(node["_target_"]).rpartition(".")[2]
    if kind == "BasicLauncher":
        return Launching()
    check_installed(str(node["_target_"]))
    check_tasks(node)
    if kind == "JoblibLauncher":
        at_once = int(node["n_jobs"])
        at_once = at_once if at_once > 0 else max(1, process.available_threads() + 1 + at_once)
        return Launching(elsewhere=True, side_by_side=max(1, min(at_once, jobs)))
    if kind == "LocalLauncher":  # submitit starts all at once
        return Launching(elsewhere=True, side_by_side=max(1, jobs))
    if kind == "RayLauncher":
        ray = node.get("ray") or {}
        cpus = (ray.get("remote") or {}).get("num_cpus", 1)
        here = (ray.get("init") or {}).get("address") is None
        return Launching(here=here, elsewhere=True, threads=max(1, int(cpus)))
    return Launching(here=False, elsewhere=True)


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
