"""The user's own classes: which classes of other packages may be built, and who allows them.

There are two ways to allow them. Both are up to whoever runs the command, never to a configuration:

- an installed package names its classes as entry points of the group `ner_lightning.targets`;
- the environment variable `NER_LIGHTNING_ALLOW_TARGETS` lists prefixes that end in a dot (`my_package.`: every class
  written below it) and full names (`my_package.make_reader`: functions too), separated by commas.
"""

from __future__ import annotations

import ast
import functools
import os
import sys
from importlib.metadata import entry_points
from typing import Any

from ner_lightning.config.source import definition, parsed

ALLOW = "NER_LIGHTNING_ALLOW_TARGETS"

GROUP = "ner_lightning.targets"
"""Group of entry points. An entry's name is the kind of the place, a dot and any name: `reader.slash`."""


def is_own(target: str, kind: str | None) -> bool:
    """Tell whether the user has allowed a target at places of a kind (None: inside a node of the user's own)."""
    return target in _listed(kind) or any(_covers(entry, target) for entry in _entries())


def is_kept(target: str, found: Any) -> bool:
    """Tell whether the object found is what was allowed: a prefix allows only classes written below it."""
    if target in (*_exact(), *_listed(None)):
        return callable(found)
    home = f"{getattr(found, '__module__', '')}."
    return isinstance(found, type) and any(home.startswith(entry) for entry in _entries() if entry.endswith("."))


def how_to_allow(target: str) -> str:
    """Say how to have a target allowed; nothing for Python's own modules, which should not be."""
    package = target.partition(".")[0]
    if not package or package in sys.stdlib_module_names:
        return ""
    if any(target.startswith(entry) for entry in _entries() if entry.endswith(".")):
        return f"; {ALLOW} allows classes that are written below its prefixes: name anything else in full"
    return f"; if it is yours, set {ALLOW}={package}. in the environment"


def kinds_allowed(target: str) -> list[str]:
    """List the kinds of places at which installed packages let a target stand."""
    return sorted(kind for kind, targets in _entry_points(tuple(sys.path)).items() if kind and target in targets)


def _entries() -> list[str]:
    return [entry.strip() for entry in os.environ.get(ALLOW, "").split(",") if entry.strip(" .")]


def _exact() -> list[str]:
    return [entry for entry in _entries() if not entry.endswith(".")]


def _covers(entry: str, target: str) -> bool:
    return _is_class_below(entry, target) if entry.endswith(".") else entry == target


def _is_class_below(prefix: str, target: str) -> bool:
    """Tell whether a name has the prefix and, as far as its source shows, is a class written there, not imported."""
    if not target.startswith(prefix):
        return False
    module, _, name = target.rpartition(".")
    if parsed(module) is None:
        return True  # no source to read: judged once it is imported
    found = definition(module, name)
    return found is None or (isinstance(found[0], ast.ClassDef) and f"{found[1]}.".startswith(prefix))


def _listed(kind: str | None) -> frozenset[str]:
    return _entry_points(tuple(sys.path)).get(kind, frozenset())


@functools.cache
def _entry_points(_path: tuple[str, ...]) -> dict[str | None, frozenset[str]]:
    """Collect the targets that installed packages name, by kind; all of them under None."""
    found: dict[str | None, set[str]] = {None: set()}
    for entry in entry_points(group=GROUP):
        target = entry.value.partition("[")[0].strip().replace(":", ".")
        for kind in (entry.name.partition(".")[0], None):
            found.setdefault(kind, set()).add(target)
    return {kind: frozenset(targets) for kind, targets in found.items()}
