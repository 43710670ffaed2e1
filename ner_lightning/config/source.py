"""Look names up in source files: where a class is written, without importing it.

Importing a model class would take the seconds that torch needs, and the command line should answer at once.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from pathlib import Path

Definition = ast.ClassDef | ast.FunctionDef | ast.expr

MAX_HOPS = 8  # `from … import` statements followed to find a name


def definition(module: str, name: str, hops: int = MAX_HOPS) -> tuple[Definition, str] | None:
    """Find the class, function or value that a name of a module stands for, and the module it is written in.

    >>> node, home = definition("ner_lightning.command_line.preflight", "UserError")
    >>> node.name, home
    ('UserError', 'ner_lightning.errors')
    """
    tree = parsed(module)
    for node in tree.body if tree and hops else ():
        match node:
            case ast.ClassDef() | ast.FunctionDef() if node.name == name:
                return node, module
            case ast.Assign(targets=[ast.Name(id=assigned)], value=value) if assigned == name:
                return value, module
            case ast.AnnAssign(target=ast.Name(id=assigned), value=ast.expr() as value) if assigned == name:
                return value, module
            case ast.ImportFrom():
                for alias in node.names:
                    if name == (alias.asname or alias.name):
                        return definition(_origin(node, module), alias.name, hops - 1)
    return None


def is_defined(target: str) -> bool:
    """Tell whether a dotted name is a class or function written in the module it names, not imported there.

    >>> is_defined("ner_lightning.errors.UserError"), is_defined("ner_lightning.command_line.door.sys.exit")
    (True, False)
    """
    module, _, name = target.rpartition(".")
    found = definition(module, name)
    return found is not None and found[1] == module and isinstance(found[0], ast.ClassDef | ast.FunctionDef)


@functools.cache
def parsed(module: str) -> ast.Module | None:
    """Parse a module; None if there is no source file."""
    file = _file(module)
    return ast.parse(file.read_text(encoding="utf-8")) if file else None


def _file(module: str) -> Path | None:
    top, *rest = module.split(".")
    spec = (
        importlib.util.find_spec(top) if top.isidentifier() else None
    )  # a top-level name is found without importing it
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        stem = Path(folder, *rest)
        for file in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
            if file.is_file():
                return file
    return None


def _origin(node: ast.ImportFrom, module: str) -> str:
    """Return the module that an import statement names, relative ones made absolute."""
    if not node.level:
        return node.module or ""
    file = _file(module)
    is_package = file is not None and file.name == "__init__.py"
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])
