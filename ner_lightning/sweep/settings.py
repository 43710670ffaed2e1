"""The settings of a sweep, besides the values it varies: the node `sweep` of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from ner_lightning.errors import UserError
from ner_lightning.sweep.study import Pruner, Sampler


@dataclass(frozen=True)
class Search:
    """A search by Optuna instead of the grid; what varies are ranges or choices, written as in Hydra's sweeps.

    Args:
        trials: number of finished, pruned and failed ones together, over all calls and workers of this sweep.
        sampler: `tpe` (Bergstra et al. 2011), `random`, or `gp` (Gaussian process).
        pruner: `median`, `halving` (successive halving, Jamieson and Talwalkar 2016) or `none`.
        warmup: epochs before a trial may be pruned.
        startup: trials that are drawn at random and never pruned, to give the sampler and the pruner a start.
        seed: of the sampler.
    """

    trials: int = 20
    sampler: Sampler = "tpe"
    pruner: Pruner = "median"
    warmup: int = 1
    startup: int = 5
    seed: int = 1


@dataclass(frozen=True)
class SweepSettings:
    """The settings of a sweep.

    Args:
        name: of the sweep and of its folder below `outputs/sweeps`; None: from the experiment and what varies, so that
            the same command continues the same sweep.
        job: name of one job, set by the sweep itself.
        varied: the overrides in which this job differs from the others, set by the sweep itself.
        retry: which jobs of an earlier call run again, besides the interrupted ones, which are always resumed:
            `failed`, `all` or `none`.
        code: `same`: a finished job counts only if the package has not changed since; `any`: it always counts.
        workers: jobs side by side on this machine.
        threads: CPU threads per job; None: those of the machine, divided among the jobs that run side by side, and no
            more than OMP_NUM_THREADS.
        memory: GiB that a job may allocate; None: no limit.
        effective_batch: sentences per optimiser step in every job, whatever its devices: accumulated steps make up the
            difference; None: each job has the batch it asks for, on each of its devices.
        search: a search instead of the grid.
    """

    name: str | None = None
    job: str | None = None
    varied: Sequence[str] = ()
    retry: Literal["failed", "all", "none"] = "failed"
    code: Literal["same", "any"] = "same"
    workers: int = 1
    threads: int | None = None
    memory: float | None = None
    effective_batch: int | None = None
    search: Search | None = None

    @classmethod
    def of(cls, node: dict[str, Any]) -> SweepSettings:
        """Read the settings from a node in plain containers.

        Raises:
            UserError: a number is out of range.
        """
        values = {field.name: node[field.name] for field in fields(cls) if field.name in node}
        if (asked := values.get("search")) is not None:
            values["search"] = Search(**{key: value for key, value in asked.items() if key != "_target_"})
        for key in ("threads", "memory", "effective_batch"):
            if values.get(key) is not None and values[key] <= 0:
                raise UserError(f"sweep.{key}={values[key]}: expected a number above 0, or null")
        if values.get("workers", 1) < 1:
            raise UserError(f"sweep.workers={values['workers']}: expected a number of jobs from 1 on")
        return cls(**values)
