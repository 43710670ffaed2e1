"""A search by Optuna: ranges instead of a grid, bad trials ended early, the study on disk beside the manifest."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ner_lightning.errors import UserError
from ner_lightning.storage.atomic import draft
from ner_lightning.sweep.job import quote_word
from ner_lightning.sweep.manifest import Job
from ner_lightning.sweep.override_words import Values
from ner_lightning.sweep.plan import TRIAL, SweepPlan
from ner_lightning.sweep.pool import run_jobs
from ner_lightning.sweep.study import FILE, StudyFile, load_optuna, make_sampler
from ner_lightning.vendors.hydra import IntervalSweep
from ner_lightning.vendors.optuna import trial_of

if TYPE_CHECKING:
    import optuna

PRUNING = "ner_lightning.sweep.pruning.Pruning"


def search(plan: SweepPlan) -> None:
    """Run trials until as many as asked for have ended; interrupted ones continue first.

    Raises:
        UserError: Optuna is not installed.
    """
    load_optuna()
    trials = Trials(plan)
    run_jobs(trials, plan.sweep.side_by_side)
    draw_search(trials.study, plan)


def distributions(values: Values) -> dict[str, Any]:
    """Convert ranges to intervals, and lists of values to choices, for Optuna to draw from.

    A range tagged `log` is drawn on a logarithmic axis; one between two whole numbers gives whole numbers.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for key, interval in values.ranges.items():
        assert isinstance(interval, IntervalSweep)
        low, high, log = interval.start, interval.end, "log" in interval.tags
        assert low is not None
        assert high is not None
        if low > high or (log and low <= 0):
            raise UserError(f"{key}: expected a range upwards (above 0 with log), received {low} to {high}")
        whole = isinstance(low, int) and isinstance(high, int)
        found[key] = IntDistribution(int(low), int(high), log=log) if whole else FloatDistribution(low, high, log=log)
    return found | {key: CategoricalDistribution(words) for key, words in values.varied.items()}


def overrides_of(values: Values, drawn: dict[str, Any]) -> list[str]:
    """Build the overrides of a trial: a number for each range, one of the words for each choice."""
    ranges = [f"{key}={drawn[key]!r}" for key in values.ranges]
    return [*values.fixed, *ranges, *(str(drawn[key]) for key in values.varied)]


class Trials:
    """The trials of a search, as a pool takes them; several calls may share one study.

    Args:
        plan: of the sweep, which is a search.
    """

    def __init__(self, plan: SweepPlan) -> None:
        settings = plan.sweep.settings.search
        assert settings is not None
        self.plan, self.settings = plan, settings
        self.file = StudyFile(
            str(plan.sweep.home / FILE),
            str(plan.sweep.settings.name),
            plan.mode,
            settings.pruner,
            settings.warmup,
            settings.startup,
        )
        self.study = self.file.open()
        # A continued search must not draw what it drew before.
        seed = settings.seed + len(self.study.trials)
        self.study.sampler = make_sampler(settings.sampler, seed, settings.startup)
        self._distributions = distributions(plan.values)
        self._taken: set[int] = set()
        self._turn = threading.Lock()
        self._turn_of_call = FileLock(plan.sweep.home / ".locks" / "study.lock", thread_local=False)
        Path(self._turn_of_call.lock_file).parent.mkdir(parents=True, exist_ok=True)

    def take(self) -> Callable[[], None] | None:
        """Return a trial that was interrupted or left behind, else a new one while there are to be more."""
        with self._turn, self._turn_of_call:
            trial = self._left_behind() or self._new()
        return None if trial is None else partial(self._run, trial)

    def are_to_come(self) -> bool:
        """Tell whether another call runs a trial that may yet become ours."""
        with self._turn:
            return any(number not in self._taken for number in self._running())

    def _left_behind(self) -> optuna.Trial | None:
        for number in self._running():
            if number not in self._taken and not self.plan.sweep.is_busy(_name(number)):
                self._taken.add(number)
                return trial_of(self.study, number)
        return None

    def _new(self) -> optuna.Trial | None:
        if len(self.study.get_trials(deepcopy=False)) >= self.settings.trials:
            return None
        trial = self.study.ask(self._distributions)
        self._taken.add(trial.number)
        self.plan.sweep.manifest.register(
            [Job(_name(trial.number), tuple(overrides_of(self.plan.values, trial.params)))]
        )
        return trial

    def _running(self) -> list[int]:
        from optuna.trial import TrialState

        return [trial.number for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))]

    def _run(self, trial: optuna.Trial) -> None:
        from optuna.trial import TrialState

        words = overrides_of(self.plan.values, trial.params)
        config = self.plan.composer.compose_job(words)
        job = self.plan.sweep.run(_name(trial.number), words, config, [self._pruning(trial.number)])
        value = job.metrics.get(self.plan.monitor, math.nan)
        if job.state == "running":  # another call was quicker
            with self._turn:
                self._taken.discard(trial.number)
        elif job.state == "finished" and math.isfinite(value):
            self.study.tell(trial, value, skip_if_finished=True)  # another call may have seen its end as well
        elif job.state != "interrupted":
            state = TrialState.PRUNED if job.state == "pruned" else TrialState.FAIL
            self.study.tell(trial, state=state, skip_if_finished=True)

    def _pruning(self, trial: int) -> str:
        node = {
            "_target_": PRUNING,
            "path": quote_word(self.file.path),
            "study": quote_word(self.file.name),
            "trial": trial,
            "monitor": quote_word(self.plan.monitor),
            "mode": self.file.mode,
            "pruner": self.file.pruner,
            "warmup": self.file.warmup,
            "startup": self.file.startup,
        }
        return "+callbacks.pruning={" + ",".join(f"{key}:{value}" for key, value in node.items()) + "}"


def draw_search(study: optuna.Study, plan: SweepPlan) -> None:
    """Plot the value against each searched key, as `search.png` and `search.svg` in the sweep's folder."""
    try:
        import matplotlib
    except ImportError:
        return
    from optuna.trial import TrialState

    if len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) < 2:
        return
    matplotlib.use("agg")
    import warnings

    import matplotlib.pyplot as plt
    from optuna.exceptions import ExperimentalWarning
    from optuna.visualization.matplotlib import plot_slice

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        axes = plot_slice(study, target_name=plan.monitor)
    figure: Any = (axes.flat[0] if hasattr(axes, "flat") else axes).figure
    for kind in ("png", "svg"):
        with draft(plan.sweep.home / f"search.{kind}") as path:
            figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)


def _name(trial: int) -> str:
    return f"{TRIAL}{trial:03d}"
