"""W&B online, against a stand-in server: trained, swept, resumed, ended, compared, reported, started by an agent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml

import ner_lightning.logger.wandb as module
from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.report.output_folder import write
from ner_lightning.comparison.report.to_wandb import log_comparison
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import explain_difference
from ner_lightning.errors import UserError
from ner_lightning.logger.wandb import finish, wandb_logger
from ner_lightning.logger.wandb_tables import log_to_wandb
from tests.comparison.folders import write_sweep
from tests.comparison.wandb_home import fresh
from tests.wandb_server import ENTITY, WandbServer

ROOT = Path(__file__).parents[1]
PATIENCE = 400  # seconds; on a loaded machine a process takes half a minute to start
CONFIG: dict[str, Any] = {
    **{"name": "crf", "seed": 1, "monitor": "val/f1", "model": {"decoder": "crf"}, "optim": {"lr": 1e-4}},
    "data": {"hub_token": "hunter2hunter2"},
}


@pytest.fixture(autouse=True)
def fresh_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield from fresh(monkeypatch, tmp_path_factory.mktemp("home"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WandbServer]:
    with WandbServer().running() as running:
        for name, value in running.environment(os.environ["HOME"]).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("WANDB_MODE")
        wandb.teardown()
        yield running
        if wandb.run is not None:
            wandb.run.finish(exit_code=1)
        wandb.teardown()
    assert running.unknown == [], "the stand-in knows all that W&B's client asks"


def logged(folder: Path, **options: Any) -> None:
    """A run with one score."""
    logger = wandb_logger(**{"project": "p", "save_dir": folder, "run_config": CONFIG, **options})
    logger.log_metrics({"val/f1": 0.5, "test/f1": 0.25}, step=3)
    log_to_wandb([logger], {"test/errors": (["kind", "n"], [["type", 2]])}, {"trained": 12})
    finish([logger], failed=False)


def job(setting: str, seed: int) -> dict[str, Any]:
    varied = [f"optim.lr={setting}", f"seed={seed}"]
    changes = {"seed": seed, "optim": {"lr": float(setting)}, "sweep": {"name": "s", "job": "x", "varied": varied}}
    return {**CONFIG, **changes}


def test_runs_of_a_sweep_are_logged_and_compared_online(server: WandbServer, tmp_path: Path) -> None:
    logged(tmp_path / "a", run_config=job("1e-4", 1), tags=["t" * 100, "hunter2hunter2", ""], notes="hunter2hunter2")
    logged(tmp_path / "b", run_config=job("1e-3", 1))
    first, second = server.runs.values()
    assert (first.display_name, first.group, first.job_type) == ("crf optim.lr=1e-4 seed=1", "s", "optim.lr=1e-4")
    assert {*first.tags} == {"t" * 63 + "…", "(hidden)", "optim.lr=1e-4", "seed=1"}
    assert (first.notes, first.values["data"]) == ("(hidden)", {"hub_token": "(hidden)"})
    assert (first.state, second.state) == ("finished", "finished")
    assert [row["val/f1"] for row in first.history if "val/f1" in row] == [0.5]
    assert b'"type"' in b"".join(server.uploads.values())
    assert not [path for path, content in server.uploads.items() if b"hunter2" in content]

    found = collect([f"wandb:{ENTITY}/p/s"])
    assert [run.scores["test/f1"] for run in found.runs] == [0.25, 0.25]
    assert (found.left_out, found.runs[0].cost["trained"]) == ([], 12)
    assert {row.name for row in compare_runs(found, Settings()).sections[0].rows} == {"lr=0.0001", "lr=0.001"}

    server.refused.add("RunParquetHistory")
    with pytest.raises(UserError, match=r"no finished run there\.\n  wandb:someone/p/s/crf optim.*could not be read"):
        collect([f"wandb:{ENTITY}/p/s"])
    server.refused.add("Runs")
    with pytest.raises(UserError, match=r"W&B cannot be asked \(.*\); compare the run folders instead"):
        collect([f"wandb:{ENTITY}/p/s"])


def test_what_is_written_again_under_one_name_is_two_runs(server: WandbServer, tmp_path: Path) -> None:
    logged(tmp_path / "a", name="mine")
    logged(tmp_path / "b", name="mine", run_config={**CONFIG, "seed": 2})
    assert {run.name for run in collect([f"wandb:{ENTITY}/p"]).runs} == {
        f"wandb:{ENTITY}/p/mine ({name})" for name in server.runs
    }


def test_a_server_that_refuses_tables_does_not_end_a_training(
    server: WandbServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.garbled.add("ArtifactType")
    logged(tmp_path)
    assert "W&B did not take the tables of the run" in caplog.text
    (run,) = server.runs.values()
    assert (run.state, run.summary["cost/trained"]) == ("finished", 12)


def test_a_server_that_refuses_the_run_is_told_and_the_run_is_kept(
    server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(module, "rank_zero_info", told.append)
    server.refused.add("UpsertBucket")
    logged(tmp_path)
    assert len(told) == 1
    assert told[0].startswith("W&B is offline (")
    assert "UpsertBucket is refused today" in told[0]
    assert [*tmp_path.glob("wandb/offline-run-*/*.wandb")]


@pytest.mark.parametrize("project", ["a/b", "a#b", "", "x" * 129])
def test_a_project_that_cannot_be_is_refused(tmp_path: Path, project: str) -> None:
    with pytest.raises(UserError, match="W&B takes no project"):
        logged(tmp_path, project=project, mode="offline")


def comparison(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    settings = Settings(samples=200)
    found = compare_runs(collect([str(write_sweep(folder / "sweep"))]), settings)
    whys = [explain_difference(section, settings) for section in found.sections]
    options = {"project": "p", "entity": None, "group": None, "mode": "online", "report": True}
    return log_comparison(found, whys, write(found, whys, folder / "out", figures=False), options)


def test_a_comparison_is_logged_with_a_report(
    server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb_workspaces", reason="a Report needs wandb[workspaces]")
    place = comparison(tmp_path, monkeypatch)
    (run,) = server.runs.values()
    assert (run.job_type, run.state, run.summary["best"]) == ("comparison", "finished", "crf")
    assert any(path.endswith("report.html") for path in server.uploads)
    assert place is not None
    assert place.startswith(f"{server.url}/{ENTITY}/p/reports/")
    (report,) = server.reports
    assert "crf beats softmax" in report["spec"]
    with pytest.raises(UserError, match=r"nothing in it|no finished run"):
        collect([f"wandb:{ENTITY}/p"])


def test_a_comparison_that_is_not_taken_is_said_to_be_in_its_folder(
    server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.garbled.add("ArtifactType")
    with pytest.raises(UserError, match=r"W&B did not take the comparison \(.*\); it is complete in .*out"):
        comparison(tmp_path, monkeypatch)
    assert (tmp_path / "out" / "report.html").is_file()
    (run,) = server.runs.values()
    assert run.state == "failed"


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(server: WandbServer, tmp_path: Path) -> Iterator[Start]:
    """Start a program that knows this server alone; what still runs at the end is killed."""
    begun: list[subprocess.Popen[str]] = []
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "OMP_NUM_THREADS": "1"}

    def answer(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        begun.append(process)
        return process

    yield answer
    for process in begun:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, output
    return output


def command(name: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"ner_lightning.{name}", *words)


def quick(encoder: Path, outputs: Path, *words: str) -> tuple[str, ...]:
    return ("logger=wandb", "logger.wandb.project=p", f"model.encoder.name={encoder}", "data.limit=40",
            f"paths.outputs={outputs}", "sweep.code=any", *words)  # fmt: skip


@pytest.mark.slow
def test_a_run_that_is_ended_goes_on_as_the_same_run(
    server: WandbServer, start: Start, tmp_path: Path, tiny_encoder: Path
) -> None:
    run_dir = f"hydra.run.dir={tmp_path / 'run'}"
    words = quick(tiny_encoder, tmp_path, run_dir, "trainer.max_epochs=200", "trainer.log_every_n_steps=1")
    training = start(*command("train", *words))
    until = time.monotonic() + PATIENCE
    while not any("val/f1" in row for run in server.runs.values() for row in run.history):
        assert training.poll() is None, training.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.1)
    training.send_signal(signal.SIGTERM)
    ended(training, 143)
    (run,) = server.runs.values()
    assert run.state == "failed"
    steps = run.history[-1]["trainer/global_step"]
    epochs = max(row["epoch"] for row in run.history if "epoch" in row)

    words = quick(
        tiny_encoder, tmp_path, run_dir, f"trainer.max_epochs={int(epochs) + 4}", f"ckpt_path={tmp_path / 'run'}"
    )
    ended(start(*command("train", *words)))
    (run,) = server.runs.values()
    assert (run.state, run.starts) == ("finished", 2)
    logged_steps = [row["trainer/global_step"] for row in run.history if "val/f1" in row]
    assert logged_steps == sorted(set(logged_steps)), "no step twice, none lost"
    assert logged_steps[-1] > steps
    assert [run.scores["test/f1"] for run in collect([f"wandb:{ENTITY}/p"]).runs] == [run.summary["test/f1"]]


@pytest.mark.slow
def test_a_sweep_is_compared_from_the_server_and_reported_there(
    server: WandbServer, start: Start, tmp_path: Path, tiny_encoder: Path
) -> None:
    words = quick(tiny_encoder, tmp_path, "optim.encoder_lr=1e-4,1e-3", "trainer.max_epochs=1", "sweep.name=s")
    ended(start(*command("train", "-m", *words)))
    assert {(run.state, run.group, run.job_type) for run in server.runs.values()} == {
        ("finished", "s", "optim.encoder_lr=0.0001"),
        ("finished", "s", "optim.encoder_lr=0.001"),
    }
    said = ended(start(*command("compare", f"wandb:{ENTITY}/p/s", "--to-wandb", f"output={tmp_path / 'out'}")))
    assert "2 runs of 2 configurations" in said
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert len(found["sections"][0]["configurations"]) == 2
    logged = [run for run in server.runs.values() if run.job_type == "comparison"]
    assert [(run.project, run.group, run.state) for run in logged] == [("p", "crf", "finished")]


@pytest.mark.slow
def test_an_agent_of_wandb_starts_trainings(
    server: WandbServer, start: Start, tmp_path: Path, tiny_encoder: Path
) -> None:
    asked = yaml.safe_load((ROOT / "conf" / "wandb" / "lr.yaml").read_text())
    asked["program"] = str(ROOT / asked["program"])
    more = [f"model.encoder.name={tiny_encoder}", "data.limit=40", "trainer.max_epochs=1", f"paths.outputs={tmp_path}"]
    asked["command"][-1:-1] = more
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(asked))
    said = ended(start("wandb", "sweep", "mine.yaml"))
    assert f"wandb agent {ENTITY}/ner_lightning/sweep0" in said
    drawn = {"optim.encoder_lr": {"value": 0.0002}, "optim.head_lr": {"value": 0.01}, "seed": {"value": 3}}
    server.commands.append({"type": "run", "run_id": "drawn1", "program": asked["program"], "args": drawn})
    said = ended(start("wandb", "agent", f"{ENTITY}/ner_lightning/sweep0", "--count", "1"))
    assert [*server.runs] == ["drawn1"], said
    (run,) = server.runs.values()
    assert (run.state, run.sweep, run.values["seed"]) == ("finished", "sweep0", 3)
    assert run.values["optim"]["encoder_lr"] == 0.0002
    assert run.summary["val/f1"]["max"] >= 0
