"""Hydra's launchers under a sweep: jobs in other processes, and none of them left behind."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hydra.errors import MissingConfigException

from ner_lightning.command_line import arguments
from ner_lightning.command_line.compose import hydra_session, sweep_config
from ner_lightning.command_line.explain import explain_error
from ner_lightning.errors import UserError
from ner_lightning.sweep import launchers
from ner_lightning.sweep.launchers import Launching, read_launcher
from ner_lightning.sweep.manifest import Job
from ner_lightning.sweep.plan import SweepPlan, plan_sweep
from ner_lightning.sweep.settings import SweepSettings
from tests.runs import write_corpus
from tests.sweep.started import ROOT, Start, finish, jobs, processes_of, wait_until

OURS = ("slurm", "slurm_local", "ray_cluster")


def node(*words: str) -> dict[str, Any]:
    with hydra_session("train") as hydra:
        return dict(sweep_config(hydra, "train", list(words)).hydra.launcher)


@pytest.fixture
def all_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers, "check_installed", lambda target: None)


@pytest.mark.usefixtures("all_installed")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Launching()),
        (["sweep.workers=2"], Launching(side_by_side=2)),
        (["sweep.workers=8"], Launching(side_by_side=6)),  # eight at a time, but six jobs
        (["hydra/launcher=slurm_local"], Launching(elsewhere=True, side_by_side=6)),
        (["hydra/launcher=slurm", "hydra.launcher.partition=gpu"], Launching(here=False, elsewhere=True)),
        (["hydra/launcher=ray_cluster", "hydra.launcher.ray.remote.num_cpus=3"], Launching(elsewhere=True, threads=3)),
        (["hydra/launcher=ray_cluster", "hydra.launcher.ray.init.address=auto"], Launching(False, True, threads=1)),
    ],
)
def test_where_jobs_run_and_how_many_share_a_machine(words: list[str], expected: Launching) -> None:
    workers = int(words[0].partition("=")[2]) if words and words[0].startswith("sweep") else 1
    assert read_launcher(node(*words), SweepSettings(workers=workers), jobs=6) == expected


@pytest.mark.parametrize("name", OURS)
def test_each_of_ours_is_a_launcher_of_hydras(name: str) -> None:
    """With names of their own: Hydra holds a file of the same name against the plugin's schema, and warns of it."""
    assert node(f"hydra/launcher={name}")["_target_"].startswith("hydra_plugins.")
    assert {path.stem for path in (ROOT / "conf/hydra/launcher").glob("*.yaml")} == {*OURS}


@pytest.mark.parametrize("package", ["hydra_plugins", "hydra_plugins.hydra_nothing_launcher"])
def test_a_plugin_that_is_not_installed_names_the_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find_spec(name: str) -> Any:
        if name.startswith(package):
            raise ModuleNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    target = "hydra_plugins.hydra_nothing_launcher.ray_launcher.X"
    with pytest.raises(UserError, match=r"hydra_nothing_launcher is not installed; pip install 'ner-lightning\[laun"):
        read_launcher({"_target_": target}, SweepSettings(), 1)
    with pytest.raises(UserError, match=r"pip install 'ner-lightning\[ray\]'"):
        read_launcher({"_target_": "hydra_plugins.hydra_ray_launcher_of_nobody.X"}, SweepSettings(), 1)


def test_a_file_of_ours_without_its_plugin_names_the_extra() -> None:
    with hydra_session("train") as hydra:
        error = MissingConfigException("In 'hydra/launcher/slurm'", "hydra/launcher/submitit_slurm", ["basic"])
        said = explain_error(error, hydra, "train", ["hydra/launcher=slurm"])
    assert said == "hydra/launcher=submitit_slurm needs a plugin of Hydra's: pip install 'ner-lightning[launchers]'."


@pytest.mark.parametrize("key", ["nodes", "tasks_per_node"])
def test_a_job_is_one_task(key: str) -> None:
    with pytest.raises(UserError, match=rf"hydra\.launcher\.{key}=2: a job of a sweep is one task .* srun"):
        read_launcher(node("hydra/launcher=slurm", f"hydra.launcher.{key}=2"), SweepSettings(), 1)


def planned(folder: Path, *words: str) -> SweepPlan:
    return plan_sweep("train", arguments.parse(["-m", *words, f"paths.outputs={folder}"]))


def test_a_search_has_workers_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a search starts its trials itself, sweep\.workers of them side by side"):
        planned(tmp_path, "+sweep=optuna_lr", "hydra/launcher=slurm_local")


def test_two_do_not_decide_how_many_jobs_run_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sweep\.workers=2: those of this machine, and hydra/launcher starts"):
        planned(tmp_path, "seed=1,2", "sweep.workers=2", "hydra/launcher=slurm_local")


def test_what_another_machine_has_is_not_judged_here(tmp_path: Path) -> None:
    words = ("seed=1,2", "trainer=gpu", "sweep.name=s")
    planned(tmp_path, *words)
    assert {job.state for job in jobs(tmp_path).values()} == {"skipped"}
    planned(tmp_path, *words, "hydra/launcher=slurm")
    assert {job.state for job in jobs(tmp_path).values()} == {"pending"}


def spans(found: dict[str, Job]) -> list[tuple[datetime, datetime]]:
    return sorted(
        (datetime.fromisoformat(job.started or ""), datetime.fromisoformat(job.ended or "")) for job in found.values()
    )


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["sweep.workers=2", "hydra/launcher=slurm_local"])
def test_two_jobs_at_the_same_time_and_one_that_fails(launcher: str, start: Start, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=["Ann/B-PER left"] * 8, dev=["Ann/B-PER left"] * 8)
    (corpus / "broken.conll").write_text("Ann\n\n")
    words = ("data=conll", f"data.dir={corpus}", "data.train=train.conll,broken.conll,dev.conll")
    finish(start(tmp_path, *words, "trainer.max_epochs=2", launcher), code=1)
    found = jobs(tmp_path)
    assert {name: job.state for name, job in found.items()} == {
        "train-train.conll": "finished",
        "train-broken.conll": "failed",
        "train-dev.conll": "finished",
    }
    assert "broken.conll:1" in (found["train-broken.conll"].error or "")
    assert all(job.pid and job.setup for job in found.values() if job.state == "finished")
    (_, first), (second, _), _ = spans(found)
    assert second < first, "one after another"
    assert processes_of(tmp_path / "sweeps") == []
    assert not [*(tmp_path / "sweeps/s/.calls").glob("*")]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("launcher", ["sweep.workers=2", "hydra/launcher=slurm_local"])
def test_an_interruption_ends_jobs_in_other_processes(
    launcher: str, number: signal.Signals, start: Start, tmp_path: Path
) -> None:
    words = ("seed=1,2", "trainer.max_epochs=300", launcher)
    sweep = start(tmp_path, *words)
    folder = tmp_path / "sweeps" / "s"
    checkpoints = [folder / f"seed-{seed}" / "checkpoints" / "last.ckpt" for seed in (1, 2)]
    wait_until(lambda: all(path.is_file() for path in checkpoints), sweep)
    sweep.send_signal(number)  # to this process alone: a scheduler does that, a terminal tells all
    finish(sweep, code=128 + number)
    found = jobs(tmp_path)
    assert {(job.state, job.error) for job in found.values()} == {("interrupted", "ended by SIGINT")}
    assert processes_of(tmp_path / "sweeps") == []


RUNS_A_JOB = """
import sys, subprocess
from pathlib import Path
from ner_lightning.sweep import process
from ner_lightning.sweep.call import Call
call = Call(Path(sys.argv[1]))
with call.working("a job"):
    command = [sys.executable, "-uc", sys.argv[2]]
    end = process.run(command, Path(sys.argv[1], "log"), threads=1, started=lambda pid: None)
sys.exit(end.code)
"""


def test_a_call_stops_what_runs_elsewhere_and_waits_for_it(tmp_path: Path) -> None:
    from ner_lightning.sweep.call import Call

    call = Call.begin(tmp_path)
    slow = "import time\ntry: print(1); time.sleep(60)\nexcept KeyboardInterrupt: time.sleep(1); raise SystemExit(7)"
    worker = subprocess.Popen([sys.executable, "-c", RUNS_A_JOB, str(call.folder), slow], cwd=ROOT)
    try:
        log = call.folder / "log"
        wait_until(lambda: log.exists() and log.read_text(), worker)
        assert not call.is_stopped
        assert not call.wait(0)
        call.stop()
        assert call.wait(30)
        assert worker.wait(10) == 7
    finally:
        worker.kill()
    assert call.is_stopped
    call.end()
    assert call.folder.is_dir(), "a job that waits in a queue would not see that it is not to start"
