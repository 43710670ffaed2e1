"""The names of a run folder's files stand in one module, and documents and configuration say the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ner_lightning
from ner_lightning.run import folder as home
from ner_lightning.run.folder import RunFolder

PACKAGE = Path(ner_lightning.__file__).parent
ROOT = PACKAGE.parent
RUN = RunFolder("run")
PLACES = {name: path for name, path in vars(RUN).items() if name != "path"}
FOLDERS = {path.name for path in PLACES.values() if not path.suffix}
FILES = {path.name for path in PLACES.values()} - FOLDERS


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text in code, those inside f-strings too; docstrings are none."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def paths(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every text that is joined to a path."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield from literals(ast.Module([ast.Assign([], node.right)], []))


def named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What names a file or folder of a run by itself; a sentence that speaks of one to people is none."""
    for line, text in literals(tree):
        parts = [part for part in re.split(r"[/\s]", text) if part]
        is_file = FILES & set(parts) and not re.search(r"\s", text)
        if is_file or (len(parts) == 1 and parts[0] in FOLDERS and "/" in text):
            yield line, text
    yield from ((line, text) for line, text in paths(tree) if FOLDERS & set(text.split("/")))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('folder / "result.json"', True),
        ('NAME = "run.log"', True),
        ('home.glob("*/checkpoints/last.ckpt")', True),
        ('run.file(f"predictions/{split}.jsonl")', True),
        ('folder / "figures" / name', True),
        ('raise ValueError("look in metrics.csv for the step")', False),
        ('config["figures"]; x = {"calibration": 1}', False),
        ('def f():\n    "Write `run.log`"', False),
    ],
)
def test_a_name_is_seen(code: str, found: bool) -> None:
    assert bool(list(named(ast.parse(code)))) is found


def test_no_module_but_one_names_a_file_of_a_run_folder() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if path != Path(home.__file__)]
    assert len(modules) > 200
    found = {
        f"{path.relative_to(ROOT)}:{line}": text
        for path in modules
        for line, text in named(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == {}, "take it from run.folder.RunFolder"


def test_the_document_lists_every_file() -> None:
    table = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8").partition("## Stored predictions")[0]
    missing = [name for name, path in PLACES.items() if f"`{path.relative_to('run')}" not in table and path.suffix]
    assert missing == []
    assert all(f"{folder}/" in table for folder in FOLDERS)


def test_the_configuration_writes_where_the_run_folder_says() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "conf").rglob("*.yaml"))
    below = set(re.findall(r"\$\{(?:paths\.output_dir|hydra\.runtime\.output_dir)\}/([\w.]+)", text))
    assert below - {"profile.json"} == {RUN.checkpoints.name, RUN.predictions.name, RUN.log.name}
