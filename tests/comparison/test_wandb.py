"""W&B really writes here, offline; what it wrote is read back, by us and by the tests' own reader."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import wandb

from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.report.output_folder import write
from ner_lightning.comparison.report.prose import OVERALL
from ner_lightning.comparison.report.to_wandb import log_comparison, make_report
from ner_lightning.comparison.runs import wandb_api
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.runs.run import read_run
from ner_lightning.comparison.runs.wandb_files import read_offline
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import explain_difference
from ner_lightning.errors import UserError
from ner_lightning.logger.wandb import finish, wandb_logger
from ner_lightning.run.reading import UnusableRun
from tests.comparison.folders import write_sets, write_sweep
from tests.comparison.wandb_home import fresh
from tests.oracle.wandb_record import read_runs
from tests.runs import trained
from tests.tiny import write_tiny_encoder

OPTIONS = {"project": None, "entity": None, "group": None, "mode": "offline", "report": True}


@pytest.fixture(autouse=True)
def fresh_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield from fresh(monkeypatch, tmp_path_factory.mktemp("home"))


def table(run: Any, key: str) -> dict[str, Any]:
    """A W&B Table as it lies in the run's folder."""
    return json.loads(media(run, key).read_text())


def media(run: Any, key: str) -> Path:
    """Where W&B put what was logged under a key."""
    (path,) = [row[f"{key}/path"] for row in run.history if f"{key}/path" in row]
    return run.folder / "files" / path


def test_a_training_logs_its_errors_and_can_be_compared_from_its_record_alone(tmp_path: Path) -> None:
    encoder = write_tiny_encoder(tmp_path / "encoder")
    result = trained(tmp_path, encoder, "logger=wandb", "logger.wandb.mode=offline")
    wandb.teardown()
    folder = tmp_path / "run"
    (run,) = read_runs(folder)
    errors, types = table(run, "test/errors"), table(run, "test/types")
    misses = sum(row[2] for row in errors["data"] if row[1] == "all")
    hits = sum(round(row[2] * row[4]) for row in types["data"])
    assert hits + misses == sum(row[4] for row in types["data"]) == result["best"]["test/support"]
    assert sum(row[2] for row in table(run, "dev/confusion")["data"]) > 0
    assert run.summary["cost/trained"] == result["cost"]["trained"] > 0

    stored = read_run(folder)
    assert stored.data == result["data"]
    assert (folder / "training_mentions.json").is_file()
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    alone = read_offline(file)
    assert alone.scores["test/f1"] == pytest.approx(stored.scores["test/f1"])
    assert alone.scores["val/f1"] == pytest.approx(stored.scores["val/f1"])
    assert alone.cost["trained"] == stored.cost["trained"] > 0
    assert alone.config["optim"] == stored.config["optim"]
    assert [p.name for p in (Path(r.name) for r in collect([str(folder)]).runs)] == ["run"]  # the folder, once

    shutil.move(folder / "wandb", tmp_path / "only" / "wandb")
    found = compare_runs(collect([str(tmp_path / "only")]), Settings())
    assert [row.n for row in found.sections[0].rows] == [1]
    assert found.notes[0].startswith("1 of the runs have no predictions")

    whole = file_of(tmp_path).read_bytes()
    file_of(tmp_path).write_bytes(whole[: len(whole) // 2])  # killed
    with pytest.raises(UserError, match="W&B says that it is not finished"):
        collect([str(tmp_path / "only")])


def file_of(folder: Path) -> Path:
    return next((folder / "only").glob("wandb/offline-run-*/*.wandb"))


def logged(tmp_path: Path, runs: Path | None = None, **options: Any) -> Any:
    settings = Settings(samples=200)
    found = compare_runs(collect([str(runs or write_sweep(tmp_path / "sweep"))]), settings)
    whys = [explain_difference(section, settings) for section in found.sections]
    written = write(found, whys, tmp_path / "out")
    log_comparison(found, whys, written, {**OPTIONS, **options})
    wandb.teardown()
    (run,) = read_runs(tmp_path / "out")
    return run


def test_a_record_that_is_cut_off_anywhere_is_of_a_run_that_did_not_finish(tmp_path: Path) -> None:
    trained(tmp_path, write_tiny_encoder(tmp_path / "encoder"), "logger=wandb", "logger.wandb.mode=offline")
    wandb.teardown()
    (whole,) = (tmp_path / "run").rglob("*.wandb")
    record = whole.read_bytes()
    assert read_offline(whole).scores["test/f1"] >= 0
    cut = tmp_path / "run-cut.wandb"
    for size in (7, 10, len(record) // 3, len(record) // 2, len(record) - 200):
        cut.write_bytes(record[:size])
        with pytest.raises(UnusableRun, match=r"not finished|job type none"):
            read_offline(cut)


def test_a_comparison_is_a_run_with_tables_pictures_and_an_artifact(tmp_path: Path) -> None:
    run = logged(tmp_path, group="mine", project="p")
    assert (run.job_type, run.group, run.project, run.exit_code) == ("comparison", "mine", "p", 0)
    rows = table(run, "configurations")
    assert [row[1:4] for row in rows["data"]] == [["crf", "best", 3], ["softmax", "", 3]]
    f1 = rows["columns"].index("f1")
    everything = json.loads((tmp_path / "out" / "comparison.json").read_text())["sections"][0]
    assert rows["data"][0][f1] == pytest.approx(everything["configurations"][0]["scores"]["f1"]["mean"])
    assert table(run, "pairs")["data"][0][-1] == everything["pairs"][0]["sentence"]
    assert len(table(run, "errors")["data"]) > 10
    assert run.summary["best"] == "crf"
    assert media(run, "figures/seeds").read_bytes().startswith(b"\x89PNG")
    assert b"report.html" in next(run.folder.glob("*.wandb")).read_bytes()  # in the artifact


def test_several_test_sets_are_logged_each_and_together(tmp_path: Path) -> None:
    run = logged(tmp_path, write_sets(tmp_path / "sets"))
    everything = json.loads((tmp_path / "out" / "comparison.json").read_text())["overall"]
    rows = table(run, "pairs")["data"]
    assert [row[0] for row in rows] == ["news", "tweets", OVERALL]
    assert rows[-1][-1] == everything["pairs"][0]["sentence"]
    best = {key: value for key, value in run.summary.items() if key.startswith("best")}
    assert best.keys() == {f"{key}{where}" for key in ("best", "best_f1") for where in ("", "/news", "/tweets")}
    assert best["best_f1"] == pytest.approx(everything["configurations"][0]["mean"])
    for name in ("figures/overall", "figures/news/seeds", "figures/tweets/seeds"):
        assert media(run, name).read_bytes().startswith(b"\x89PNG")


def test_a_comparison_does_not_stand_among_the_runs(tmp_path: Path) -> None:
    logged(tmp_path)
    found = collect([str(tmp_path)])
    assert (len(found.runs), found.left_out) == (6, [])


def test_a_report_needs_a_server_and_a_package(monkeypatch: pytest.MonkeyPatch, caplog: Any, tmp_path: Path) -> None:
    found = compare_runs(collect([str(write_sweep(tmp_path / "sweep"))]), Settings(samples=200))
    online: Any = SimpleNamespace(offline=False, disabled=False, entity="me", project="p", name="n")
    caplog.set_level("INFO")
    assert make_report(SimpleNamespace(offline=True, disabled=False), found) is None  # type: ignore[arg-type]
    assert "No W&B Report: the run is offline." in caplog.text
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    assert make_report(online, found) is None
    assert "pip install 'wandb[workspaces]'" in caplog.text

    saved: list[Any] = []

    class Block(SimpleNamespace):
        url = "https://wandb.example/r/1"

        def save(self) -> None:
            saved.append(self)

    package = ModuleType("wandb_workspaces.reports.v2")
    for name in ("Report", "MarkdownBlock", "PanelGrid", "Runset", "LinePlot"):
        setattr(package, name, Block)
    for name in ("wandb_workspaces", "wandb_workspaces.reports"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(sys.modules["wandb_workspaces"], "reports", sys.modules["wandb_workspaces.reports"], False)
    monkeypatch.setattr(sys.modules["wandb_workspaces.reports"], "v2", package, False)
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", package)
    assert make_report(online, found) == Block.url
    assert "crf beats softmax" in saved[0].blocks[0].text


def online_run(name: str, group: str, **changes: Any) -> Any:
    values = {
        "name": name,
        "id": f"id-{name}",
        "group": group,
        "job_type": "train",
        "state": "finished",
        "config": {"name": "crf", "seed": 1},
    }
    rows = [{"epoch": 0, "val/f1": 0.25}, {"val/f1": 0.5, "test/f1": 0.75, "cost/trained": 12}]
    return SimpleNamespace(**{**values, **changes}, scan_history=lambda: rows)


def test_runs_on_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    runs = [
        online_run("a", "g"),
        online_run("b", "g", state="crashed"),
        online_run("c", "g", job_type="comparison"),
    ]

    def answer(path: str, filters: Any, lazy: bool) -> Any:
        asked.append((path, filters))
        return runs

    monkeypatch.setattr(wandb_api, "_api", lambda: SimpleNamespace(runs=answer))
    found = collect(["wandb:me/mine/g"])
    assert asked == [("me/mine", {"group": "g"})]
    (run,) = found.runs
    assert (run.name, run.scores["test/f1"], run.scores["val/f1"]) == ("wandb:me/mine/g/a", 0.75, 0.5)
    assert run.cost["trained"] == 12
    assert len(run.curve()) == 2
    assert found.left_out == [("wandb:me/mine/g/b", "W&B says that it is crashed")]


def test_one_request_that_fails_costs_one_run_and_several_in_a_row_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def broken(name: str) -> Any:
        def scan() -> Any:
            asked.append(name)
            raise TimeoutError("timed out\nafter 20 s")

        return SimpleNamespace(**{**vars(online_run(name, "g")), "scan_history": scan})

    runs = [online_run("a", "g"), broken("b"), online_run("c", "g"), *(broken(name) for name in "defgh")]
    monkeypatch.setattr(wandb_api, "_api", lambda: SimpleNamespace(runs=lambda *_, **__: runs))
    found = collect(["wandb:me/mine"])
    assert [run.name[-1] for run in found.runs] == ["a", "c"]
    reasons = [item.reason for item in found.left_out]
    assert reasons == [
        *["W&B could not be read (timed out)"] * 4,
        *["not read: 3 runs before it could not be read"] * 2,
    ]
    assert asked == ["b", "d", "e", "f"]


def test_a_run_of_another_kind_is_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"name": "crf", "seed": 1, "model": {}, "optim": {}, "monitor": "val/f1"}
    runs = [
        online_run("a", "g", job_type="optim.encoder_lr=1e-4", config=ours),
        online_run("b", "g", job_type="evaluation"),
        online_run("c", "g", job_type=None),
    ]
    monkeypatch.setattr(wandb_api, "_api", lambda: SimpleNamespace(runs=lambda *_, **__: runs))
    found = collect(["wandb:me/mine"])
    assert [run.name for run in found.runs] == ["wandb:me/mine/a"]
    assert [item.reason for item in found.left_out] == [
        "a run of job type evaluation, not a training",
        "a run of job type none, not a training",
    ]


def test_jobs_of_a_sweep_are_compared_from_their_offline_record(tmp_path: Path) -> None:
    for lr in (1e-4, 1e-3):
        config = {"name": "crf", "seed": 1, "monitor": "val/f1", "model": {"a": 1}, "optim": {"lr": lr}}
        config["sweep"] = {"name": "s", "job": "x", "varied": [f"optim.lr={lr}", "seed=1"]}
        logger = wandb_logger(project="p", save_dir=tmp_path / str(lr), run_config=config, mode="offline")
        logger.log_metrics({"test/f1": 0.5, "val/f1": 0.5}, step=1)
        finish([logger], failed=False)
    wandb.teardown()
    found = collect([str(tmp_path)])
    assert ([run.config["optim"]["lr"] for run in found.runs], found.left_out) == ([1e-4, 1e-3], [])


def test_without_a_key_or_a_network_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"wandb:me/mine: W&B has no key: run `wandb login`"):
        collect(["wandb:me/mine"])

    def unreachable() -> Any:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(wandb_api, "_api", unreachable)
    with pytest.raises(UserError, match=r"cannot be asked \(no route to host\); compare the run folders"):
        collect(["wandb:me/mine"])
