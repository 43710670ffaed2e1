"""The files of a run folder: their names, and JSON that is there as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIG = "config.yaml"
RECORD = "run.json"
RESULT = "result.json"
"""Written last: its presence says that the run is complete."""
CURVE = "metrics.csv"
MENTIONS = "training_mentions.json"
LAST = Path("checkpoints", "last.ckpt")


def read_json(path: Path) -> dict[str, Any]:
    """The object of a JSON file; empty where there is none, or nothing of the kind.

    >>> read_json(Path("nowhere"))
    {}
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file in one piece: a reader sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)
