"""`compare` as its user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.comparison.folders import with_settings, write_run, write_sweep

ROOT = Path(__file__).parents[1]


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ner_lightning.compare", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "PYTHONPROFILEIMPORTTIME": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def imported(errors: str) -> set[str]:
    """Modules that a process started with PYTHONPROFILEIMPORTTIME imported."""
    return {line.rpartition("|")[2].strip() for line in errors.splitlines() if line.startswith("import time:")}


def said(errors: str) -> str:
    return "\n".join(line for line in errors.splitlines() if not line.startswith("import time:"))


def test_a_comparison_without_torch(tmp_path: Path) -> None:
    write_sweep(tmp_path / "my sweep")
    found = run("my sweep", "samples=500", "output=out", "figures=false", folder=tmp_path)
    assert found.returncode == 0, said(found.stderr)
    assert "crf beats softmax by" in found.stdout
    assert "Report: out/report.html" in found.stdout
    assert "crf beats softmax by" in (tmp_path / "out" / "report.html").read_text()
    assert {"torch", "pytorch_lightning", "transformers"}.isdisjoint(imported(found.stderr))


def test_columns_of_types_that_are_called_like_scores(tmp_path: Path) -> None:
    odd = {
        "test/f1": 0.5,
        "test/f1/support": 0.25,
        "test/support/support": 12.0,
        "test/f1/a/f1": 0.5,
        "test/f1/人名": 0.75,
    }
    for seed, name in enumerate(("one", "two")):
        folder = write_run(tmp_path / name, with_settings(seed=seed), None)
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps({**result, "best": {**result["best"], **odd}}))
    columns = "columns=[f1/support,support/support,types]"
    found = run("one", "two", "repetition=[]", columns, "output=-", folder=tmp_path)
    assert found.returncode == 0, said(found.stderr)
    assert "┃ F1 support ┃ support support ┃" in found.stdout
    assert "┃ F1 a/f1 ┃ F1 人名 ┃" in found.stdout
    assert "│      25.00 │              12 │" in found.stdout


def test_help_says_what_runs_are(tmp_path: Path) -> None:
    found = run("--help", folder=tmp_path)
    assert found.returncode == 0
    assert "RUNS are run folders" in found.stdout
    assert {"torch", "numpy"}.isdisjoint(imported(found.stderr))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["splti=dev"], "splti"),
        (["--nonsense"], "Unrecognized arguments: --nonsense"),
        ([".", "pairs=some"], "pairs=some: expected one of auto, all, best"),
        ([".", "level=2"], "level=2: expected a number between 0 and 1"),
        ([".", "--to-wandb", "output=-"], "to_wandb=true: what is logged is what is written"),
    ],
)
def test_mistakes_are_one_sentence(words: list[str], sentence: str, tmp_path: Path) -> None:
    found = run(*words, folder=tmp_path)
    assert found.returncode == 2
    assert sentence in said(found.stderr)
    assert "Traceback" not in found.stderr


def test_the_folder_of_a_run_is_not_written_to(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s")
    folder = next(tmp_path.glob("s/**/result.json")).parent
    before = sorted(folder.rglob("*"))
    found = run("s", f"output={folder}", folder=tmp_path)
    assert found.returncode == 2
    assert f"output={folder}: this is the folder of a run; name another." in said(found.stderr)
    assert sorted(folder.rglob("*")) == before


def test_by_itself_it_writes_below_the_outputs(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s")
    found = run("s", "samples=300", "figures=false", "paths.outputs=mine", folder=tmp_path)
    assert found.returncode == 0, said(found.stderr)
    (report,) = (tmp_path / "mine" / "comparisons").glob("*/report.html")
    assert str(report.relative_to(tmp_path)) in found.stdout
    found = run("s", "samples=300", "output=-", folder=tmp_path)
    assert found.returncode == 0, said(found.stderr)
    assert "Report:" not in found.stdout


def test_another_comparison_is_not_replaced_unless_told_to(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s")
    words = ["s", "samples=300", "figures=false", "output=out"]
    assert run(*words, folder=tmp_path).returncode == 0
    (tmp_path / "out" / "report.html").write_text("mine")
    found = run(*words, folder=tmp_path)
    assert found.returncode == 2
    assert "output=out: a comparison stands there; name another folder, or write force=true" in said(found.stderr)
    assert (tmp_path / "out" / "report.html").read_text() == "mine"
    assert run(*words, "force=true", folder=tmp_path).returncode == 0
    assert (tmp_path / "out" / "report.html").read_text() != "mine"


def test_runs_are_shown_as_a_key(tmp_path: Path) -> None:
    found = run("a b", "runs=[c]", "--cfg", "job", "--package", "runs", folder=tmp_path)
    assert found.returncode == 0, said(found.stderr)
    assert found.stdout.splitlines() == ["# @package runs", "- c", "- a b"]
