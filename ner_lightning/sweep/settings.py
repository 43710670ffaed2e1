"""What a sweep is told beside the values it varies: the node `sweep` of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from ner_lightning.errors import UserError
from ner_lightning.sweep.study import Pruner, Sampler


@dataclass(frozen=True)
class Search:
    """A search by Optuna in place of the grid; the values to vary are ranges or choices, written as Hydra sweeps are.

    Args:
        trials: finished, pruned and failed ones together, over all calls and workers of this sweep.
        sampler: `tpe` (Bergstra et al. 2011), `random`, or `gp` (Gaussian process).
        pruner: `median`, `halving` (successive halving, Jamieson and Talwalkar 2016) or `none`.
        warmup: epochs before a trial may be pruned.
        startup: trials drawn at random, and never pruned, before the sampler and the pruner have something to go by.
        workers: trials side by side.
        seed: of the sampler.
    """

    trials: int = 20
    sampler: Sampler = "tpe"
    pruner: Pruner = "median"
    warmup: int = 1
    startup: int = 5
    workers: int = 1
    seed: int = 1


@dataclass(frozen=True)
class SweepSettings:
    """How a sweep runs.

    Args:
        name: of the sweep and of its folder below `outputs/sweeps`; None: from the experiment and what varies, so that
            the same command goes on with the same sweep.
        job: name of one job, set by the sweep itself.
        varied: the overrides that tell this job from the others, set by the sweep itself.
        retry: which jobs of an earlier call run again beside the interrupted ones, which always go on: `failed`, `all`
            or `none`.
        code: `same`: a finished job counts only if the package has not changed since; `any`: it always does.
        threads: CPU threads a job; None: those of the machine, shared by the jobs that run side by side, and no more
            than OMP_NUM_THREADS.
        memory: GiB that a job may allocate; None: no limit.
        effective_batch: sentences an optimiser step in every job, whatever its devices: accumulated steps make up the
            difference; None: each job has the batch it asks for, on each of its devices.
        search: a search in place of the grid.
    """

    name: str | None = None
    job: str | None = None
    varied: Sequence[str] = ()
    retry: Literal["failed", "all", "none"] = "failed"
    code: Literal["same", "any"] = "same"
    threads: int | None = None
    memory: float | None = None
    effective_batch: int | None = None
    search: Search | None = None

    @classmethod
    def of(cls, node: dict[str, Any]) -> SweepSettings:
        """The settings of a node, plain containers.

        Raises:
            UserError: for a number that cannot be.
        """
        values = {field.name: node[field.name] for field in fields(cls)}
        if (asked := values["search"]) is not None:
            values["search"] = Search(**{key: value for key, value in asked.items() if key != "_target_"})
        for key in ("threads", "memory", "effective_batch"):
            if values[key] is not None and values[key] <= 0:
                raise UserError(f"sweep.{key}={values[key]}: expected a number above 0, or null")
        return cls(**values)
