"""Read YAML from other people safely: nothing in it may multiply.

An alias (`*name`) repeats what its anchor (`&name`) marks, and aliases of aliases multiply: a kilobyte can stand for
more nodes than there are atoms. So a text is walked once, event by event, and the size with all aliases written out is
counted before anything is built.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from ner_lightning.errors import UserError

NODES = 100_000
"""Values that a file may hold, aliases written out; a run's configuration has some two hundred."""

DEPTH = 60
"""Levels that the values may be nested."""

BYTES = 4_000_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is more than ten times faster


def read_yaml(path: Path) -> Any:
    """Read a YAML file into plain containers.

    Raises:
        UserError: it is too large, or would be with all aliases written out.
        OSError: it cannot be read.
        ValueError: it is not UTF-8.
        yaml.YAMLError: it is not YAML.
    """
    if path.stat().st_size > BYTES:
        raise UserError(f"{path}: expected a configuration, found {path.stat().st_size:,} bytes (at most {BYTES:,})")
    text = path.read_text(encoding="utf-8")
    check_yaml(text, str(path))
    return yaml.load(_named(text, str(path)), Loader=_LOADER)


def check_yaml(text: str, where: str) -> None:
    r"""Refuse a text that expands to more than a configuration can be.

    Args:
        text: YAML.
        where: the file, for the message.

    Raises:
        UserError: more values than `NODES`, nesting deeper than `DEPTH`, or an alias inside what it repeats.
        yaml.YAMLError: it is not YAML.

    >>> check_yaml("a: &a [1, 2]\nb: [*a, *a]", "x.yaml")
    >>> check_yaml("a: &a [*a]", "x.yaml")
    Traceback (most recent call last):
    ner_lightning.errors.UserError: x.yaml:1: the alias *a stands inside of what it repeats
    """
    sizes: dict[str, int] = {}  # of what each anchor marks, aliases written out
    opened: list[tuple[str | None, int]] = []  # anchors and sizes of the collections we are in
    for event in yaml.parse(_named(text, where), Loader=_LOADER):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, 1))
            if len(opened) > DEPTH:
                raise UserError(f"{where}:{line}: nested deeper than {DEPTH} levels, which no configuration is")
            continue
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in opened):
                raise UserError(f"{where}:{line}: the alias *{event.anchor} stands inside of what it repeats")
            anchor, size = None, sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = opened.pop()
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        if opened:
            opened[-1] = (opened[-1][0], opened[-1][1] + size)
        if size > NODES or (opened and opened[-1][1] > NODES):
            raise UserError(
                f"{where}:{line}: stands for more than {NODES:,} values; aliases that repeat aliases multiply"
            )


class _Named(StringIO):
    name = ""


def _named(text: str, where: str) -> StringIO:
    """Wrap a text in a stream whose name appears in the parser's own errors."""
    stream = _Named(text)
    stream.name = where
    return stream
