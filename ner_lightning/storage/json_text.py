"""JSON that every reader accepts: the standard has neither NaN nor infinities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any


def json_text(value: Any, indent: int | None = None) -> str:
    """Write plain containers as JSON, with non-ASCII letters as they are, and `null` for NaN and infinities.

    >>> json_text({"f1": float("nan"), "名": [1.5, float("inf")]})
    '{"f1": null, "名": [1.5, null]}'
    """
    return json.dumps(_with_nulls(value), ensure_ascii=False, indent=indent, allow_nan=False)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _with_nulls(item) for key, item in value.items()}
    return [_with_nulls(item) for item in value] if isinstance(value, list | tuple) else value
