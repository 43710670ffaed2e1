"""The files of a run folder: their names, and JSON that is there as a whole or not at all."""

from __future__ import annotations

import glob
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ner_lightning.errors import UserError
from ner_lightning.run.child_process import is_child
from ner_lightning.storage.archives import is_whole
from ner_lightning.storage.atomic import write_text
from ner_lightning.storage.json_text import json_text
from ner_lightning.storage.locks import writing_folder

CONFIG = "config.yaml"
RECORD = "run.json"
RESULT = "result.json"
"""Written last: where it can be read the run is complete."""
CURVE = "metrics.csv"
MENTIONS = "training_mentions.json"
LAST = Path("checkpoints", "last.ckpt")
BEST = Path("checkpoints", "best.ckpt")
SUPERSEDED = "superseded"
"""Folder for what stood in the way of something new; nothing is deleted."""


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
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_finished(folder: Path) -> bool:
    """Whether a run has come to its end; an empty or cut result, as a power cut leaves it, says nothing."""
    return bool(read_json(folder / RESULT))


def check_free(
    folder: str | Path, *, force: bool, continues: str | Path | None = None, evaluates: bool = False
) -> None:
    """Refuse to write over a run: a finished one, for an evaluation also one that has only begun.

    Args:
        folder: of the run to come.
        force: whether what stands there may be replaced.
        continues: the checkpoint or run folder that the run goes on from; in the same folder it is continued.
        evaluates: whether it is an evaluation, whose result would make a training look finished.

    Raises:
        UserError: naming what stands there.
    """
    home = Path(folder).expanduser()
    if force or (continues is not None and Path(continues).expanduser().resolve().is_relative_to(home.resolve())):
        return
    if is_finished(home) or (evaluates and (home / RECORD).is_file()):
        what = "a finished run" if is_finished(home) else "a training"
        raise UserError(
            f"hydra.run.dir={folder}: {what} stands there; name another folder, or write force=true to replace it"
        )


def check_runs(outputs: Mapping[str, str | Path | None], *, force: bool) -> None:
    """Refuse to replace a file of a run, unless told to.

    Args:
        outputs: files by key.
        force: whether they may be replaced.

    Raises:
        UserError: naming the run.
    """
    for key, name in outputs.items():
        path = Path(os.path.realpath(Path(name or "").expanduser()))
        if force or name in (None, "-") or not path.is_file():
            continue
        if run := next((above for above in path.parents if (above / RECORD).is_file() or is_finished(above)), None):
            raise UserError(
                f"{key}={name}: this is a file of the run {run}; name another, or write force=true to replace it"
            )


def damaged_files(folder: Path) -> list[str]:
    """Names of the files that decide how a run goes on, are there, and cannot be read to their end."""
    broken = [RESULT] if (folder / RESULT).exists() and not is_finished(folder) else []
    return broken + [path.name for path in (LAST, BEST) if (folder / path).is_file() and not is_whole(folder / path)]


def set_aside(path: Path) -> Path:
    """Move a file or folder that is in the way into `superseded/` beside it, and return where it is now."""
    return Path(shutil.move(path, _place_for(path)))


def keep_copy(path: Path) -> Path:
    """Copy a file that is about to be written anew into `superseded/` beside it, and return the copy."""
    return Path(shutil.copyfile(path, _place_for(path)))


def _place_for(path: Path) -> Path:
    home = path.parent / SUPERSEDED
    home.mkdir(exist_ok=True)
    count = sum(1 for _ in home.glob(f"{glob.escape(path.name)}.*"))
    return home / f"{path.name}.{count + 1}"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file in one piece: a reader sees the old one or the new one."""
    write_text(path, json_text(value, indent=2) + "\n")
