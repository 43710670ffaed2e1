"""The files of a run folder: their names, and JSON that is there as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ner_lightning.child_process import is_child
from ner_lightning.storage.atomic import write_text
from ner_lightning.storage.locks import writing_folder

CONFIG = "config.yaml"
RECORD = "run.json"
RESULT = "result.json"
"""Written last: its presence says that the run is complete."""
CURVE = "metrics.csv"
MENTIONS = "training_mentions.json"
LAST = Path("checkpoints", "last.ckpt")


def writing_run(folder: str | Path) -> AbstractContextManager[None]:
    """Hold the lock of a run folder, in the first process of a run: only that one writes.

    Raises:
        Busy: another run writes there.
    """
    if is_child():
        return nullcontext()
    return writing_folder(folder, "name another folder with hydra.run.dir=FOLDER")


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
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
