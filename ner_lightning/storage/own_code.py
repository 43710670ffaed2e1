"""The source files of a user's own class: its module, and all it imports that is not installed."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_OURS = "ner_lightning"
_INSTALLED = ("site-packages", "dist-packages")


def own_code(kind: type) -> dict[str, Path] | None:
    """Find the modules of a class and its bases, and all they import from their own packages or from beside them.

    Modules of Python, of our package, and of installed packages other than the class's own are left out.

    Returns:
        Files by name of the module; None if there is no file, as for a class from a notebook.
    """
    own = "" if _is_ours(kind.__module__) else _top(kind.__module__)
    found: dict[str, Path] = {}
    for name in {each.__module__ for each in kind.__mro__}:
        if not _counts(name, own):
            continue
        file = _file_of(name)
        if file is None:
            return None
        found[name] = file
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        for other in _imported(name, found[name]):
            if other not in found and _counts(other, own) and (file := _file_of(other)) is not None:
                found[other] = file
                waiting.append(other)
    return found


def _imported(name: str, file: Path) -> Iterator[str]:
    """Yield the modules that a file may import, inside functions too; some of the names may not be modules."""
    if file.suffix != ".py":
        return
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                try:
                    base = importlib.util.resolve_name("." * node.level + base, package)
                except ImportError:
                    continue
            yield from _with_parents(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _file_of(name: str) -> Path | None:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None:
        try:
            spec = importlib.util.find_spec(name)
        except Exception:  # a name that is no module, or a package that does not load
            return None
        file = spec.origin if spec is not None and spec.has_location else None
    return Path(file) if file is not None and Path(file).is_file() else None


def _counts(name: str, own: str) -> bool:
    return _top(name) == own or not (_is_ours(name) or _is_python(_top(name)) or _is_installed(_top(name)))


def _is_ours(name: str) -> bool:
    return _top(name) == _OURS


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_python(top: str) -> bool:
    return top in sys.stdlib_module_names


@functools.cache
def _is_installed(top: str) -> bool:
    """Tell whether a package is installed; one that cannot be found counts as installed."""
    try:
        spec = importlib.util.find_spec(top)
    except Exception:
        return True
    if spec is None:
        return True
    places = [spec.origin] if spec.has_location and spec.origin else list(spec.submodule_search_locations or ())
    folders = tuple(sysconfig.get_paths()[name] for name in ("purelib", "platlib"))
    return not places or any(
        place.startswith(folders) or any(part in _INSTALLED for part in Path(place).parts) for place in places
    )
