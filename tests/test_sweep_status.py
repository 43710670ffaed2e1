"""`sweep_status` as its user meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ner_lightning.sweep.manifest import About, Job, Manifest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with the folder of a sweep, `swept`."""
    manifest = Manifest(tmp_path / "swept")
    manifest.describe(About("swept", "val/f1", "max", ("seed",), ()))
    manifest.register([Job("seed-1", ("seed=1",), "finished"), Job("seed-2\x1b[31m", ("seed=2",), "failed")])
    return tmp_path


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ner_lightning.sweep_status", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [["swept"], ["folder=swept"], ["--watch", "swept"], ["swept", "watch=true"]])
def test_the_table(words: list[str], folder: Path) -> None:
    found = run(*words, folder=folder)
    assert found.returncode == 0, found.stderr
    assert "1 finished, 1 failed" in found.stdout
    assert "seed-2\\x1b[31m" in found.stdout
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert {"torch", "numpy", "pytorch_lightning"}.isdisjoint(imported)


@pytest.mark.parametrize("words", [["swept", "--json"], ["swept", "json=true"]])
def test_a_line_for_each_job(words: list[str], folder: Path) -> None:
    found = run(*words, folder=folder)
    assert [json.loads(line)["state"] for line in found.stdout.splitlines()] == ["finished", "failed"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "folder is not given: write the folder of a sweep."),
        (["nowhere\x1b[31m"], "folder=nowhere\\x1b[31m: there is no such folder (looked for "),
        (["swept", "watch=3"], "watch=3: expected true or false."),
        (["swept", "wach=true"], "wach: there is no such key; did you mean watch?"),
        (["swept", "--jsn"], "Unrecognized arguments: --jsn"),
        (["."], ".: not the folder of a sweep"),
    ],
)
def test_mistakes_are_one_sentence(words: list[str], sentence: str, folder: Path) -> None:
    found = run(*words, folder=folder)
    lines = [line for line in found.stderr.splitlines() if not line.startswith("import time:")]
    assert (found.returncode, len(lines)) == (2, 1), found.stderr
    assert sentence in lines[0]
    assert "\x1b" not in found.stderr
