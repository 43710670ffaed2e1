"""Build objects from configuration nodes; imports only the classes that are built."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ner_lightning.config.targets import check_targets, located
from ner_lightning.errors import UserError


def resolve_config(cfg: DictConfig) -> dict[str, Any]:
    """Resolve the configuration into plain containers, and check that every `_target_` may stand where it does."""
    container = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    assert isinstance(container, dict)
    check_targets(container)
    return {str(key): value for key, value in container.items()}


def make(node: Mapping[str, Any], place: str | Sequence[str], **objects: Any) -> Any:
    """Build the object of a configuration node by calling its `_target_` with its keys.

    Nodes inside it that have a `_target_` are built first, at any depth, unless they are passed as objects. Before
    anything is built, every node is checked: its class may stand there, and takes the keys given.

    Args:
        node: plain containers.
        place: where the node stands, as `data.reader` or its keys; the catalogue lists the classes allowed there.
        objects: arguments that are not configuration; they override keys of the node.

    Raises:
        UserError: a class not allowed at the place, or keys that the class does not take.

    >>> make({"_target_": "ner_lightning.data.augmentation.Augmentation", "lower_case": 0.5}, "data.augment").lower_case
    0.5
    """
    keys = tuple(place.split(".") if isinstance(place, str) else place)
    own = {key: value for key, value in node.items() if key not in objects}
    check_targets(own, keys)
    return _bound(own, keys, objects)()


def make_arguments(node: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Build the objects inside a configuration node, but not the node's own: the arguments for its class.

    Args:
        node: plain containers.
        place: where the node stands.

    Raises:
        UserError: as `make`.

    >>> node = {"augment": {"_target_": "ner_lightning.data.augmentation.Augmentation", "lower_case": 0.5}, "dir": "x"}
    >>> make_arguments(node, "data")["augment"].lower_case
    0.5
    """
    check_targets(dict(node), (place,))
    return {name: part() for name, part in _parts(node, (place,)).items()}


def _bound(node: Mapping[str, Any], place: tuple[str, ...], objects: Mapping[str, Any]) -> Callable[[], Any]:
    """Check a node and all inside it against their classes, and return a function that builds it."""
    target = located(node["_target_"], place)
    parts = _parts(node, place)
    _check_is_complete(target, place)
    _check_arguments(target, place, {**parts, **objects})
    return lambda: target(**{key: part() for key, part in parts.items()}, **objects)


def _parts(node: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Callable[[], Any]]:
    return {str(key): _part(value, (*place, str(key))) for key, value in node.items() if key != "_target_"}


def _part(value: Any, place: tuple[str, ...]) -> Callable[[], Any]:
    if isinstance(value, Mapping):
        if "_target_" in value:
            return _bound(value, place, {})
        parts = {key: _part(item, (*place, str(key))) for key, item in value.items()}  # its keys may be numbers
        return lambda: {key: part() for key, part in parts.items()}
    if isinstance(value, list):
        items = [_part(item, (*place, str(index))) for index, item in enumerate(value)]
        return lambda: [item() for item in items]
    return lambda: value


def _check_is_complete(target: Callable[..., Any], place: Sequence[str]) -> None:
    """Refuse a class of the user's own that does not write all methods it must."""
    lacking = sorted(getattr(target, "__abstractmethods__", ()))
    if lacking:
        name = f"{target.__module__}.{target.__qualname__}"
        raise UserError(f"{'.'.join(place)}: {name} lacks {', '.join(lacking)}: see docs/extending.md")


def _check_arguments(target: Callable[..., Any], place: Sequence[str], arguments: Mapping[str, Any]) -> None:
    """Refuse keys that a class does not take, and require those that it needs."""
    try:
        signature = inspect.signature(target)
    except ValueError:  # written in C, without a signature
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        name = getattr(target, "__name__", str(target))
        raise UserError(f"{'.'.join(place)}: {name} does not take these keys ({error}).") from error
