"""A run folder belongs to one run at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ner_lightning.run.folder import write_json, writing_run
from ner_lightning.storage.locks import Busy, writer_of_folder, writing_folder
from tests.runs import composed

ROOT = Path(__file__).parents[2]


def started(command: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"ner_lightning.{command}", f"hydra.run.dir={folder}", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_second_run_in_a_folder_is_refused_and_leaves_the_first_alone(command: str, tmp_path: Path) -> None:
    (tmp_path / "run.log").write_text("the first\n")
    before = {".lock", "run.log"}
    words = [f"ckpt={tmp_path}"] if command == "evaluate" else []
    with writing_folder(tmp_path):
        answer = started(command, tmp_path, *words)
        assert {path.name for path in tmp_path.iterdir()} == before
    assert answer.returncode == 2
    assert answer.stderr == (
        f"{tmp_path}: process {os.getpid()} is writing there; wait until it has ended, "
        "or name another folder with hydra.run.dir=FOLDER\n"
    )
    assert (tmp_path / "run.log").read_text() == "the first\n"


def test_a_run_that_is_refused_from_python_raises(tmp_path: Path) -> None:
    from ner_lightning.train import train

    code = (
        "import sys; from ner_lightning.storage.locks import writing_folder\n"
        "with writing_folder(sys.argv[1]): print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "run")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline()
        with pytest.raises(Busy, match=rf"run: process {other.pid} is writing there"):
            train(composed("train", tmp_path))
        assert other.stdin
        other.stdin.close()


def test_only_the_first_process_of_a_run_holds_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing_run(tmp_path):
        assert writer_of_folder(tmp_path)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with writing_run(tmp_path):
        assert not writer_of_folder(tmp_path)


def test_json_of_a_run_holds_no_bare_nan(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(path, {"best": {"val/loss": float("nan"), "val/f1": 0.5}, "curve": [float("inf"), 1.0]})
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {
        "best": {"val/loss": None, "val/f1": 0.5},
        "curve": [None, 1.0],
    }
