"""Which classes a configuration may name.

A configuration travels: in a checkpoint, in a colleague's folder. `_target_` would run any function of any package, so
only what belongs to a run is let in. Your own readers, callbacks or loggers are let in by the name of their package:

    NER_LIGHTNING_ALLOW_TARGETS=my_package. python -m ner_lightning.train data=mine --config-dir conf
"""

from __future__ import annotations

import os
import re
from typing import Any

from ner_lightning.errors import UserError
from ner_lightning.schema.source import is_defined

ALLOW = "NER_LIGHTNING_ALLOW_TARGETS"

# One name deep: pytorch_lightning.callbacks.timer.timedelta and the modules that those modules import stay out.
LIGHTNING = re.compile(r"pytorch_lightning\.(Trainer|(callbacks|loggers|strategies|profilers)\.[A-Z]\w*)")


def check_targets(container: Any) -> None:
    """Refuse a plain configuration that names a class outside the allow-list, at any depth.

    Ours are the classes and functions written in a module of `ner_lightning`; of Lightning's, the Trainer, callbacks,
    loggers, strategies and profilers; further ones begin with a prefix that `NER_LIGHTNING_ALLOW_TARGETS` lists, with
    commas between.

    Raises:
        UserError: naming the place, the target and what to do.

    >>> check_targets({"trainer": {"_target_": "pytorch_lightning.Trainer", "max_epochs": 1}})
    >>> check_targets({"data": [{"_target_": "os.system", "command": "ls"}]})
    Traceback (most recent call last):
    ner_lightning.errors.UserError: data.0._target_: os.system is not allowed; if it is yours, set ...
    """
    for place, target in _targets(container, ()):
        if not isinstance(target, str):
            raise UserError(f"{place}: expected the dotted name of a class, received {target!r}.")
        if target.startswith("ner_lightning."):
            if not is_defined(target):
                raise UserError(f"{place}: {target} does not exist; see the _target_ lines of `--cfg job`.")
        elif not _is_allowed(target):
            package = target.partition(".")[0]
            raise UserError(
                f"{place}: {target} is not allowed; if it is yours, set {ALLOW}={package}. in the environment."
            )


def _is_allowed(target: str) -> bool:
    prefixes = tuple(prefix.strip() for prefix in os.environ.get(ALLOW, "").split(",") if prefix.strip())
    return LIGHTNING.fullmatch(target) is not None or target.startswith(prefixes)


def _targets(node: Any, path: tuple[str, ...]) -> list[tuple[str, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
    found = []
    for key, value in items:
        here = (*path, str(key))
        found += [(".".join(here), value)] if key == "_target_" else _targets(value, here)
    return found
