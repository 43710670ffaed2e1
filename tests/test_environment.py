"""The environment that `make env` makes has whatever a test needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = {"ner_lightning", "tests", "benchmarks", "tools"}


def name_of(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def declared() -> set[str]:
    """Names of all that the extra `dev` asks for, through the extras that it names."""
    extras = PROJECT["project"]["optional-dependencies"]
    found = {name_of(requirement) for requirement in PROJECT["project"]["dependencies"]}
    waiting = ["dev"]
    while waiting:
        for requirement in extras[waiting.pop()]:
            if name_of(requirement) == "ner-lightning":
                waiting += re.findall(r"[\w-]+", requirement.partition("[")[2])
            else:
                found.add(name_of(requirement))
    return found


def with_their_own(names: set[str]) -> set[str]:
    """And of all that they ask for."""
    found, waiting = set(names), list(names)
    while waiting:
        try:
            more = requires(waiting.pop()) or []
        except ModuleNotFoundError:
            continue
        new = {name_of(each) for each in more if "extra ==" not in each} - found
        found |= new
        waiting += new
    return found


def imported() -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], file.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield str(node.module).partition(".")[0], file.name


def test_what_builds_the_wheel_is_there() -> None:
    """Tests build without isolation."""
    assert {name_of(each) for each in PROJECT["build-system"]["requires"]} <= declared()


def test_what_tests_import_is_there() -> None:
    known, places = with_their_own(declared()), packages_distributions()
    missing = {
        f"{name} ({file})"
        for name, file in imported()
        if name not in sys.stdlib_module_names
        and name not in OURS
        and not {name_of(each) for each in places.get(name, [])} & known
    }
    assert not missing
