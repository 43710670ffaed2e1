"""The notebooks run from end to end; what is committed has pictures and output, and tells nothing of the machine."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import FOLDER, NAMES, code, execute, read

PICTURES = {"01_from_text_to_entities": 9, "02_read_a_sweep": 5, "03_errors_of_one_model": 6}
LARGEST = 700_000  # bytes

# Absolute paths, of any system, and addresses of package indexes.
OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|root|Users|tmp|work|usr|opt|var|mnt)/|[A-Z]:\\|/simple/|site-packages")


def pictures(notebook: Any) -> list[bytes]:
    outputs = (output for cell in code(notebook) for output in cell.outputs)
    return [base64.b64decode(output.data["image/png"]) for output in outputs if "image/png" in output.get("data", {})]


def test_these_are_all() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb"))) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_as_it_ran(name: str) -> None:
    notebook = read(name)
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert not [output for cell in code(notebook) for output in cell.outputs if output.output_type == "error"]
    assert not [output for cell in code(notebook) for output in cell.outputs if output.get("name") == "stderr"]
    assert "assert " in code(notebook)[-1].source
    assert len(pictures(notebook)) == PICTURES[name]
    assert all(picture.startswith(b"\x89PNG") and len(picture) > 2_000 for picture in pictures(notebook))


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_tells_nothing_of_the_machine(name: str) -> None:
    path = FOLDER / f"{name}.ipynb"
    assert path.stat().st_size < LARGEST
    without_pictures = re.sub(r'"image/png": "[^"]*"', "", path.read_text(encoding="utf-8"))
    assert not OF_A_MACHINE.search(without_pictures)


@pytest.mark.parametrize("text", ["/home/ann/run", "at /tmp/x", '"/root/.cache', "C:\\Users", "lib/site-packages/x"])
def test_a_path_would_be_seen(text: str) -> None:
    assert OF_A_MACHINE.search(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    before = sorted(FOLDER.parent.glob("outputs/*"))
    notebook = execute(name, tmp_path)
    assert len(pictures(notebook)) == PICTURES[name]
    assert (tmp_path / "outputs").is_dir()
    assert sorted(FOLDER.parent.glob("outputs/*")) == before
