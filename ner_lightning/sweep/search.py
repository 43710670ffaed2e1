"""A search by Optuna: ranges instead of a grid, bad trials ended early, the study on disk beside the manifest."""

from __future__ import annotations

import math
import threading
from argparse import Namespace
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import IntervalSweep

from ner_lightning.command_line.checks import check
from ner_lightning.command_line.compose import compose, hydra_session
from ner_lightning.command_line.vocabulary import Vocabulary
from ner_lightning.errors import UserError
from ner_lightning.storage.atomic import draft
from ner_lightning.sweep import process
from ner_lightning.sweep.job import quote_word
from ner_lightning.sweep.manifest import Job
from ner_lightning.sweep.plan import TRIAL, SweepPlan, Values
from ner_lightning.sweep.study import FILE, StudyFile, load_optuna, make_sampler

if TYPE_CHECKING:
    import optuna

PRUNING = "ner_lightning.sweep.pruning.Pruning"


def search(command: str, arguments: Namespace, plan: SweepPlan) -> None:
    """Run trials until as many as asked for have ended; interrupted ones come first.

    Raises:
        UserError: Optuna is not installed.
    """
    settings = plan.sweep.settings.search
    assert settings is not None
    load_optuna()
    driver = _Search(command, arguments, plan)
    with ThreadPoolExecutor(settings.workers) as pool:
        workers = [pool.submit(driver.work) for _ in range(settings.workers)]
        try:
            done, _ = wait(workers, return_when=FIRST_EXCEPTION)
            for worker in done:
                worker.result()
        finally:
            driver.stop()
    draw_trial(driver.study, plan)


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


@dataclass
class _Search:
    command: str
    arguments: Namespace
    plan: SweepPlan
    study: optuna.Study = field(init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _taken: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        settings = self.plan.sweep.settings.search
        assert settings is not None
        self.settings = settings
        self.file = StudyFile(
            str(self.plan.sweep.home / FILE),
            str(self.plan.sweep.settings.name),
            self.plan.mode,
            settings.pruner,
            settings.warmup,
            settings.startup,
        )
        self.study = self.file.open()
        # A continued search must not draw what it drew before.
        seed = settings.seed + len(self.study.trials)
        self.study.sampler = make_sampler(settings.sampler, seed, settings.startup)
        self._distributions = distributions(self.plan.values)

    def stop(self) -> None:
        """Draw no further trial, and interrupt those that run."""
        self._ended.set()
        process.interrupt_all()

    def work(self) -> None:
        """Run one trial after another, and wait for those of another call, which may be killed."""
        while not self._ended.is_set():
            if (trial := self._next()) is not None:
                self._run(trial)
            elif not self._is_waited_for():
                return
            else:
                self._ended.wait(1)

    def _is_waited_for(self) -> bool:
        """Tell whether another call runs a trial that may yet become ours."""
        from optuna.trial import TrialState

        with self._turn:
            running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            return any(frozen.number not in self._taken for frozen in running)

    def _next(self) -> optuna.Trial | None:
        """Return a trial that was interrupted or left behind, else a new one, else None."""
        import optuna
        from optuna.trial import TrialState

        with self._turn:
            trials = self.study.get_trials(deepcopy=False)
            for frozen in trials:
                if frozen.state != TrialState.RUNNING or frozen.number in self._taken:
                    continue
                if not self.plan.sweep.is_busy(_name(frozen.number)):
                    self._taken.add(frozen.number)
                    return optuna.Trial(self.study, frozen._trial_id)
            if len(trials) >= self.settings.trials:
                return None
            trial = self.study.ask(self._distributions)
            self._taken.add(trial.number)
            words = overrides_of(self.plan.values, trial.params)
            self.plan.sweep.manifest.register([Job(_name(trial.number), tuple(words))])
            return trial

    def _run(self, trial: optuna.Trial) -> None:
        from optuna.trial import TrialState

        words = overrides_of(self.plan.values, trial.params)
        job = self.plan.sweep.run(_name(trial.number), words, self._config(words), [self._pruning(trial.number)])
        value = job.metrics.get(self.plan.monitor, math.nan)
        if job.state == "running":  # another call was quicker
            self._taken.discard(trial.number)
        elif job.state == "pruned":
            self.study.tell(trial, state=TrialState.PRUNED)
        elif job.state == "finished" and math.isfinite(value):
            self.study.tell(trial, value)
        elif job.state in ("finished", "failed", "skipped"):
            self.study.tell(trial, state=TrialState.FAIL)

    def _config(self, words: list[str]) -> dict[str, Any]:
        name = self.arguments.config_name or self.command
        with self._turn, hydra_session(self.command, self.arguments.config_dir) as hydra:  # one Hydra per process
            return check(compose(hydra, name, [*words, "hydra.mode=RUN"]), Vocabulary(hydra, name, []))

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


def draw_trial(study: optuna.Study, plan: SweepPlan) -> None:
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
