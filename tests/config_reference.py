"""The page `docs/config_reference.md`, written from the YAML files: `python -m tests.config_reference`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conf.tree import FILES, ROOTS, name_of, override_of

PAGE = Path(__file__).parents[1] / "docs" / "config_reference.md"

HEAD = """\
# Configuration reference

Every file under `conf/`, every key, its default and its comment. Written by `make docs` from the YAML files themselves:
change those, not this page. How the files work together is told in [configuration.md](configuration.md).

Keys stand as they are typed: `optim.encoder_lr=3e-5`. A default of `???` must be given.
"""

# Indentation, key, value and comment of a line; a `#` begins a comment behind a space only.
LINE = re.compile(r"(?P<indent> *)(?P<key>\+?[\w./-]+):(?: +(?P<value>\S.*?))??(?: +#\s*(?P<comment>.*))?$")


class Key(NamedTuple):
    """One value of a YAML file, and what stands beside it."""

    path: str
    value: str
    comment: str


def comment_of(lines: list[str]) -> str:
    """The comment a file begins with, without Hydra's package line."""
    head = []
    for line in lines:
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            head.append(line.removeprefix("#").strip())
    return "\n".join(head).strip()


def parts_of(lines: list[str]) -> list[str]:
    """The files that a file builds on, as its defaults list writes them."""
    if "defaults:" not in lines:
        return []
    rest = lines[lines.index("defaults:") + 1 :]
    items = (line.removeprefix("  - ").partition(" #")[0].strip() for line in rest if line.startswith("  - "))
    return [item for item in items if item != "_self_"]


def package_of(name: str, lines: list[str]) -> list[str]:
    """Where the keys of a file belong: nowhere for a command or an overlay, else below its group."""
    is_global = name in ROOTS or "# @package _global_" in lines
    return [] if is_global else name.split("/")[:-1]


def keys_of(name: str, lines: list[str]) -> Iterator[Key]:
    """The keys of a file that have a value, in their order, the defaults list left out."""
    package = package_of(name, lines)
    above: list[str] = []
    for line in lines:
        if line.strip() in ("", "{}", "defaults:") or line.lstrip().startswith(("#", "- ")):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"expected `key: value  # comment`, found {line!r}: it would be missing from the reference"
            )
        above = [*above[: len(match["indent"]) // 2], match["key"]]
        if match["value"]:
            yield Key(".".join(package + above), match["value"], match["comment"] or "")


def section(file: Path) -> str:
    """The part of the page about one file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    name = name_of(file)
    title = f"`{name}`" if name in ROOTS else f"`{override_of(name)}`"
    block = [f"### {title}", ""]
    if comment := comment_of(lines):
        block += [_comment(comment), ""]
    if parts := parts_of(lines):
        block += ["Builds on: " + ", ".join(f"`{part}`" for part in parts), ""]
    if keys := list(keys_of(name, lines)):
        block += ["| key | default | |", "|---|---|---|"]
        block += [f"| `{key.path}` | {_code(key.value)} | {_cell(key.comment)} |" for key in keys]
        block.append("")
    return "\n".join(block)


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Commands\n", *(section(file) for file in FILES if name_of(file) in ROOTS)]
    group = ""
    for file in FILES:
        name = name_of(file)
        if name in ROOTS:
            continue
        if (here := name.rpartition("/")[0]) != group:
            group = here
            parts.append(f"## {group}\n")
        parts.append(section(file))
    return "\n".join(parts)


def _comment(text: str) -> str:
    """A comment as Markdown: its indented lines are commands."""
    lines = [line for line in text.splitlines() if line]
    return "  \n".join(f"`{line}`" if line.startswith("python ") else _cell(line) for line in lines)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
