"""The house as `docs/architecture.md` draws it: few rooms on a floor, few floors, no name for two things."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ner_lightning"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = 15
FLOORS = 9

# The same thing, computed by each of the kernels and by the reference.
OF_EVERY_KERNEL = {"log_partition", "sequence_score"}


def public_names() -> dict[str, list[str]]:
    """Where each public class and function of the package is defined."""
    found = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(PACKAGE).as_posix())
    return found


def test_no_public_name_stands_for_two_things() -> None:
    found = public_names()
    assert len(found) > 500
    double = {name: places for name, places in found.items() if len(places) > 1}
    commands = double.pop("main")
    assert all("/" not in place for place in commands)
    assert {name: places for name, places in double.items() if name not in OF_EVERY_KERNEL} == {}


def test_public_names_do_not_hide_modules_of_the_package() -> None:
    """A function called as a command is that command's own."""
    commands = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__", "errors"}
    assert {name: found for name, found in public_names().items() if name in commands and found != [f"{name}.py"]} == {}


def test_the_root_holds_commands_and_nothing_else() -> None:
    for path in PACKAGE.glob("*.py"):
        if path.stem not in ("__init__", "errors"):
            functions = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
            assert "main" in functions, path


def test_no_folder_holds_too_many_modules() -> None:
    counts = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {str(folder): n for folder, n in counts.items() if n > ROOMS} == {}


def test_the_house_has_nine_floors_at_most() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (house,) = (c for c in contracts if c.get("containers") == ["ner_lightning"] and c["type"] == "layers")
    assert len(house["layers"]) <= FLOORS
    named = {room.strip(" ()") for floor in house["layers"] for room in floor.split("|")}
    there = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert there <= named


def test_every_package_stands_on_the_page_about_the_house() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    folders = [path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")]
    assert len(folders) > 30
    assert [folder for folder in folders if folder != "." and f"`{folder.split('/')[-1]}`" not in page] == []
