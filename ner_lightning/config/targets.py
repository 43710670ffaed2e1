"""Check which classes a configuration names: only those that the catalogue lists for the place, and the user's own.

A configuration travels, and `_target_` would call any function of any package. See `ner_lightning.config.catalogue` for
the list, and `ner_lightning.config.own` for how to allow a package of your own.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ner_lightning.config.catalogue import KINDS, kind_of
from ner_lightning.config.own import ALLOW, how_to_allow, is_kept, is_own, kinds_allowed
from ner_lightning.config.source import is_defined
from ner_lightning.errors import UserError, first_line

__all__ = ["ALLOW", "check_targets", "located"]


def check_targets(container: Any, place: Sequence[str] = (), foreign: Literal["refused", "passed"] = "refused") -> None:
    """Refuse containers that name a class not allowed at its place; nothing is imported for the check.

    Args:
        container: a configuration, or a node of it.
        place: keys of the node.
        foreign: what to do with names of other packages; they may pass if nothing will be built from them.

    Raises:
        UserError: names the place, the target and what to do.

    >>> check_targets({"trainer": {"_target_": "pytorch_lightning.Trainer", "max_epochs": 1}})
    >>> check_targets({"data": {"reader": {"_target_": "ner_lightning.model.decoder.crf.CRF"}}})
    Traceback (most recent call last):
    ner_lightning.errors.UserError: data.reader._target_: ner_lightning.model.decoder.crf.CRF is not built here; ...
    """
    for keys, node, inside_own in _nodes(container, tuple(place), False):
        if foreign == "passed" and _is_foreign(node["_target_"]):
            continue
        _check_node(keys, node, inside_own)


def located(target: str, place: Sequence[str]) -> Callable[..., Any]:
    """Import the class (or listed function) of a target that `check_targets` has let pass.

    Raises:
        UserError: it cannot be imported, or is not what was allowed.
    """
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{_dotted(place)}: {target} cannot be imported ({first_line(error)})") from error
    if target not in KINDS.get(kind_of(place) or "", ()) and not is_kept(target, found):
        raise UserError(f"{_dotted(place)}: {target} is not allowed{how_to_allow(target)}.")
    return found


def _check_node(keys: tuple[str, ...], node: Mapping[Any, Any], inside_own: bool) -> None:
    place, target = _dotted(keys), node["_target_"]
    if not isinstance(target, str):
        raise UserError(f"{place}: expected the dotted name of a class, received {target!r}.")
    for key in node:
        if not isinstance(key, str) or (key.startswith("_") and key != "_target_"):
            raise UserError(f"{'.'.join((*keys, str(key)))}: no argument has this name; leave it out.")
    kind = kind_of(keys)
    if (kind is None and not inside_own) or not _may_stand(target, kind):
        raise UserError(f"{place}: {_refusal(target, kind, inside_own)}.")


def _is_foreign(target: Any) -> bool:
    """Tell whether a name is of a package that is neither ours nor Python's own."""
    if not isinstance(target, str):
        return False
    package, dot, _ = target.partition(".")
    return bool(dot) and package != "ner_lightning" and package not in sys.stdlib_module_names


def _may_stand(target: str, kind: str | None) -> bool:
    return target in KINDS.get(kind or "", ()) or is_own(target, kind)


def _refusal(target: str, kind: str | None, inside_own: bool) -> str:
    if ":" in target:
        return f"{target} is not allowed: a _target_ is written with a dot, {target.replace(':', '.')}"
    if target.startswith("ner_lightning.") and not is_defined(target):
        return f"{target} does not exist; see the _target_ lines of `--cfg job`"
    if kind is None and not inside_own:
        return f"{target} is not allowed: nothing is built at this place"
    listed = KINDS.get(kind or "", ())
    if listed and target.partition(".")[0] in {name.partition(".")[0] for name in listed}:
        return f"{target} is not built here; choose {' or '.join(listed[:3])}{', …' if len(listed) > 3 else ''}"
    if kinds := kinds_allowed(target):
        return (
            f"{target} is not allowed as {kind}, only as {' or '.join(kinds)}; name a {kind} here, or give its package "
            f'an entry point "{kind}.NAME"'
        )
    return f"{target} is not allowed{how_to_allow(target)}"


def _nodes(
    value: Any, keys: tuple[str, ...], inside_own: bool
) -> Iterator[tuple[tuple[str, ...], Mapping[Any, Any], bool]]:
    """Yield every node with a `_target_`, outer ones first, and whether it is inside one of the user's own."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield keys, value, inside_own
            inside_own = inside_own or value["_target_"] not in KINDS.get(kind_of(keys) or "", ())
        items = [(key, item) for key, item in value.items() if key != "_target_"]
    else:
        items = list(enumerate(value)) if isinstance(value, list | tuple) else []
    for key, item in items:
        yield from _nodes(item, (*keys, str(key)), inside_own)


def _dotted(keys: Sequence[str]) -> str:
    return ".".join((*keys, "_target_"))
