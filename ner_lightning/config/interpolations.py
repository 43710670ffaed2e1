"""Limit what interpolations expand to: like aliases in YAML, they can multiply."""

from __future__ import annotations

import re
from typing import Any

from ner_lightning.errors import UserError

LIMIT = 10_000_000
"""Characters and values of a configuration once it is resolved; a run's has ten thousand."""

COMPUTED = LIMIT // 100
"""The size charged for a reference with a computed key (`${a.${b}}`): it is not looked up, so only few are allowed."""

_REFERENCE = re.compile(r"\$\{([^${}]*)\}")


def check_expansion(container: Any) -> None:
    """Refuse a configuration that would grow without bounds when it is resolved.

    Args:
        container: plain containers, interpolations in place.

    Raises:
        UserError: names the place.

    >>> check_expansion({"a": "x", "b": ["${a}", "${a}"]})
    >>> check_expansion({"a0": "x" * 99} | {f"a{n}": f"${{a{n - 1}}}" * 9 for n in range(1, 20)})
    Traceback (most recent call last):
    ner_lightning.errors.UserError: a6: interpolations that repeat interpolations multiply: more than 10,000,000 ...
    """
    _Sizes(container).of((), container)


class _Sizes:
    def __init__(self, root: Any) -> None:
        self.root = root
        self.known: dict[tuple[str, ...], int] = {}
        self.pending: set[tuple[str, ...]] = set()

    def of(self, path: tuple[str, ...], value: Any) -> int:
        """Count the characters and values of a node once it is resolved."""
        if path in self.known:
            return self.known[path]
        if path in self.pending:
            return 0  # a cycle, which OmegaConf itself reports
        self.pending.add(path)
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            size = 1 + sum(self.of((*path, str(key)), item) for key, item in items)
        elif isinstance(value, str):
            computed = value.count("${") - len(_REFERENCE.findall(value))
            size = (
                1 + len(value) + computed * COMPUTED + sum(self._behind(path, key) for key in _REFERENCE.findall(value))
            )
        else:
            size = 1
        self.pending.discard(path)
        self.known[path] = size
        if size > LIMIT:
            raise UserError(
                f"{'.'.join(path) or 'The configuration'}: interpolations that repeat interpolations multiply: "
                f"more than {LIMIT:,} characters"
            )
        return size

    def _behind(self, path: tuple[str, ...], key: str) -> int:
        """Return the size of what an interpolation refers to; 0 for a resolver, whose result is not known."""
        bare = key.strip().lstrip(".")
        up = len(key.strip()) - len(bare)
        target = (*path[: len(path) - up], *(part for part in re.split(r"[.\[\]]+", bare) if part)) if up else None
        target = target or tuple(part for part in re.split(r"[.\[\]]+", bare) if part)
        node = self.root
        for part in target:
            if isinstance(node, dict):
                node = next((item for name, item in node.items() if str(name) == part), None)
            elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            else:
                return 0
        return self.of(target, node)
