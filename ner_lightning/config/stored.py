"""A configuration read from a file: which parts of it are trusted.

It may come from somebody else. Loading a model needs its nodes `model` and `data`, running it again needs the rest too;
neither needs the settings of Hydra, nor anything but plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ner_lightning.config.moved import with_present_names
from ner_lightning.config.targets import check_targets
from ner_lightning.errors import UserError

VALUES = 300_000
"""Plain values that a stored object may hold; a configuration has two hundred, a list of types thousands."""

DEPTH = 60
"""Levels that the values may be nested."""

UNITS = ("words", "punctuation", "characters")


def check_plain(value: Any, where: str) -> None:
    """Refuse what is not a tree of plain values, or never ends because it contains itself.

    Raises:
        UserError: names the file.

    >>> check_plain({"a": [1, None, "x"]}, "best.ckpt")
    >>> endless = []; endless.append(endless); check_plain(endless, "best.ckpt")
    Traceback (most recent call last):
    ner_lightning.errors.UserError: best.ckpt: damaged or malicious: nested deeper than 60 levels
    """
    stack, seen = [(value, 0)], 0
    while stack:
        item, depth = stack.pop()
        seen += 1
        if depth > DEPTH:
            raise UserError(f"{where}: damaged or malicious: nested deeper than {DEPTH} levels")
        if seen > VALUES:
            raise UserError(f"{where}: damaged or malicious: more than {VALUES:,} values")
        if isinstance(item, Mapping):
            stack += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list | tuple):
            stack += [(part, depth + 1) for part in item]
        elif not (item is None or isinstance(item, str | int | float | bool)):
            raise UserError(f"{where}: damaged: expected plain values, found a {type(item).__name__}")


def loadable(config: Any, where: str) -> dict[str, Any]:
    """Check a stored configuration and keep what loading a model needs: `model`, `data`, `paths`, plain values.

    Nodes other than `model` are not built here. They may name classes of packages that are not installed, such as a
    colleague's callbacks. What no configuration names (our functions, Python's own modules) is refused everywhere.

    Args:
        config: of a checkpoint.
        where: the checkpoint, for the message.

    Raises:
        UserError: a node is missing, or names what may not stand there.
    """
    if not isinstance(config, Mapping):
        raise UserError(f"{where}: damaged: its configuration is a {type(config).__name__}")
    config = with_present_names(config)
    try:
        check_targets(config.get("model"), ("model",))
        check_targets({key: node for key, node in config.items() if key != "model"}, foreign="passed")
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    for place, keys in (
        ("model", ("_target_",)),
        ("model.encoder", ("_target_", "name")),
        ("model.decoder", ("_target_",)),
    ):
        _require(config, place, keys, where)
    _require(config, "data", ("units", "overlap", "reader"), where)
    data = config["data"]
    if data["units"] not in UNITS:
        raise UserError(f"{where}: its data.units={data['units']}: expected one of {', '.join(UNITS)}")
    for key in ("overlap", "context"):
        number = data.get(key, 0)
        if not isinstance(number, int) or number < 0:
            raise UserError(f"{where}: its data.{key}={number}: expected a whole number from 0 on")
    _check_readers(data, where)
    kept = {key: value for key, value in config.items() if not isinstance(value, Mapping | list | tuple)}
    return {**kept, **{key: config[key] for key in ("model", "data", "paths") if key in config}}


def repeatable(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check a stored configuration and keep what running it again needs: all but the settings of Hydra.

    Raises:
        UserError: a node names what may not stand there, or a value that would be resolved anew.
    """
    kept = {str(key): with_present_names(value) for key, value in config.items() if key not in ("hydra", "defaults")}
    try:
        check_targets(kept)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    if place := _interpolated(kept):
        raise UserError(
            f"{where}: {place}: a stored configuration is resolved; one that would be resolved anew (${{…}}) could "
            "read the environment of this machine and is not run"
        )
    return kept


def _require(config: Mapping[str, Any], place: str, keys: tuple[str, ...], where: str) -> None:
    node: Any = config
    for key in place.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping):
        raise UserError(f"{where}: damaged: its configuration has no {place}")
    for key in keys:
        if key not in node:
            raise UserError(f"{where}: damaged: its configuration has no {place}.{key}")


def _check_readers(data: Mapping[str, Any], where: str) -> None:
    """Refuse readers that are not nodes: the tagging of raw text reads how they split words."""
    sources = data.get("sources") or []
    if not isinstance(sources, Mapping | list):
        raise UserError(f"{where}: damaged: its data.sources is a {type(sources).__name__}")
    nodes = [*sources.values()] if isinstance(sources, Mapping) else sources
    for reader in (data["reader"], *(node.get("reader") for node in nodes if isinstance(node, Mapping))):
        if reader is not None and not isinstance(reader, Mapping):
            raise UserError(f"{where}: damaged: a reader of its data is a {type(reader).__name__}")
        if reader and not isinstance(reader.get("words", ""), str):
            raise UserError(f"{where}: damaged: its data.reader.words is a {type(reader['words']).__name__}")


def _interpolated(node: Any, place: str = "") -> str | None:
    """Find the first place with an interpolation, in a key or in a value."""
    items = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    if isinstance(node, str) and "${" in node:
        return place
    for key, value in items:
        here = f"{place}.{key}" if place else str(key)
        if "${" in str(key):
            return here
        if found := _interpolated(value, here):
            return found
    return None
