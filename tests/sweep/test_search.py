"""The trials of a search with something quick in place of a training."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.command_line import arguments
from ner_lightning.sweep.job import Sweep
from ner_lightning.sweep.manifest import Job, State
from ner_lightning.sweep.plan import SweepPlan, plan_sweep
from ner_lightning.sweep.pool import run_jobs
from ner_lightning.sweep.search import Trials

pytest.importorskip("optuna")
WORDS = ("+sweep=optuna_lr", "sweep.search.sampler=random", "sweep.workers=2")


class Quick(Sweep):
    """A sweep whose jobs end at once as `ends` says, by the number of the trial."""

    ends: Mapping[int, State] = {}
    ran: Counter[str]

    def run(self, name: str, overrides: Sequence[str], config: Mapping[str, Any], extra: Sequence[str] = ()) -> Job:
        self.ran[name] += 1
        state = self.ends.get(int(name[-3:]), "finished")
        return self.manifest.change(name, state=state, metrics={"val/f1": 0.5} if state == "finished" else {})


def call(folder: Path, ran: Counter[str], ends: Mapping[int, State] | None = None, *words: str) -> Trials:
    """One call of a search."""
    found: SweepPlan = plan_sweep(
        "train", arguments.parse(["-m", *WORDS, *words, f"paths.outputs={folder}", "sweep.name=s"])
    )
    quick = Quick(found.sweep.home, found.sweep.settings, found.sweep.flags, 2, found.sweep.varied)
    object.__setattr__(quick, "ran", ran)
    object.__setattr__(quick, "ends", ends or {})
    trials = Trials(replace(found, sweep=quick))
    object.__setattr__(found.composer, "compose_job", lambda words: {})
    return trials


def states(trials: Trials) -> list[str]:
    return [trial.state.name for trial in trials.study.get_trials(deepcopy=False)]


def test_two_calls_at_once_draw_as_many_trials_as_were_asked_for(tmp_path: Path) -> None:
    ran: Counter[str] = Counter()
    calls = [call(tmp_path, ran, None, "sweep.search.trials=9") for _ in range(2)]
    threads = [threading.Thread(target=run_jobs, args=(each, 2)) for each in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states(calls[0]) == ["COMPLETE"] * 9
    assert len(ran) == 9


def test_each_end_is_told_and_what_was_interrupted_goes_on_first(tmp_path: Path) -> None:
    ran: Counter[str] = Counter()
    first = call(tmp_path, ran, {0: "interrupted", 1: "pruned", 2: "failed"}, "sweep.search.trials=4")
    run_jobs(first, 1)
    assert states(first) == ["RUNNING", "PRUNED", "FAIL", "COMPLETE"]
    run_jobs(again := call(tmp_path, ran, None, "sweep.search.trials=5"), 1)
    assert states(again) == ["COMPLETE", "PRUNED", "FAIL", "COMPLETE", "COMPLETE"]
    assert ran["trial-000"] == 2
    assert sum(ran.values()) == 6


def test_a_trial_whose_end_another_call_has_told_is_told_once(tmp_path: Path) -> None:
    ran: Counter[str] = Counter()
    one, other = (call(tmp_path, ran, None, "sweep.search.trials=1") for _ in range(2))
    first, second = one.take(), other.take()
    assert first is not None
    assert second is not None, "it says that it runs, and nobody holds its lock"
    first()
    second()
    assert states(other) == ["COMPLETE"]
