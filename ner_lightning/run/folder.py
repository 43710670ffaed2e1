"""The run folder: this module alone knows the names of its files, and who may write there.

The content of the files is written by `record`, `failure` and `predictions`, and read by `reading`. docs/runs.md
describes them for users.
"""

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

CONFIG, RECORD, RESULT = "config.yaml", "run.json", "result.json"
CHECKPOINTS, PREDICTIONS, CALIBRATION, FIGURES = "checkpoints", "predictions", "calibration", "figures"
BEST, LAST = "best.ckpt", "last.ckpt"
TRANSITIONS = "transitions"
"""Name of the picture of a CRF's transitions, among the figures."""

SUPERSEDED = "superseded"
"""Folder for files that something new replaces; nothing is deleted."""

MANIFEST = "manifest.jsonl"
"""A file beside the run folders of a sweep, with the state of its jobs."""


class RunFolder:
    """A run folder: the path of each of its files, whether they exist or not.

    Args:
        path: of the folder.

    Attributes:
        path: of the folder.
        config: the resolved configuration.
        record: what the run was asked for, and the versions it used.
        result: scores and costs; written last: if it can be read, the run is complete.
        error: why the run failed.
        log: the log of the console.
        output: the output of a sweep job's process.
        curve: every logged value by step.
        mentions: how often each entity occurs in the training data.
        best: the weights of the best epoch.
        last: everything needed to resume.
        checkpoints: folder of these two.
        predictions: folder with one file per split (`predictions_of`).
        calibration: folder of tables.
        figures: folder of pictures.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config, self.record, self.result = (self.path / name for name in (CONFIG, RECORD, RESULT))
        self.error, self.log, self.output = (self.path / name for name in ("error.json", "run.log", "output.log"))
        self.digests = self.path / "job.json"
        self.curve, self.mentions = self.path / "metrics.csv", self.path / "training_mentions.json"
        self.checkpoints, self.predictions = self.path / CHECKPOINTS, self.path / PREDICTIONS
        self.calibration, self.figures = self.path / CALIBRATION, self.path / FIGURES
        self.best, self.last = self.checkpoints / BEST, self.checkpoints / LAST

    def predictions_of(self, split: str) -> Path:
        """Return the file of the stored predictions of a split."""
        return predictions_file(self.predictions, split)

    def is_begun(self) -> bool:
        """Tell whether there is a run here, finished or not."""
        return self.record.is_file() or is_finished(self.path)


def predictions_file(folder: Path, split: str) -> Path:
    """Return the file of the stored predictions of a split in a folder of predictions.

    >>> predictions_file(Path("predictions"), "test").as_posix()
    'predictions/test.jsonl'
    """
    return folder / f"{split}.jsonl"


def writing_run(folder: str | Path) -> AbstractContextManager[None]:
    """Hold the lock of a run folder in the first process of a run, the only one that writes.

    Raises:
        Busy: another run writes there.
    """
    if is_child():
        return nullcontext()
    return writing_folder(folder, "name another folder with hydra.run.dir=FOLDER")


def read_json(path: Path) -> dict[str, Any]:
    """Read the object of a JSON file; empty if there is no file, or no object in it.

    >>> read_json(Path("nowhere"))
    {}
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_finished(folder: Path) -> bool:
    """Tell whether a run has finished; an empty or cut result, as after a power cut, does not count."""
    return bool(read_json(folder / RESULT))


def check_free(
    folder: str | Path, *, force: bool, continues: str | Path | None = None, evaluates: bool = False
) -> None:
    """Refuse to overwrite a run: a finished one, or, for an evaluation, even one that has only begun.

    Args:
        folder: of the new run.
        force: whether an existing run may be replaced.
        continues: the checkpoint or run folder to resume from; a run in the same folder is continued.
        evaluates: whether it is an evaluation, whose result would make a training look finished.

    Raises:
        UserError: names what is there.
    """
    home = Path(folder).expanduser()
    if force or (continues is not None and Path(continues).expanduser().resolve().is_relative_to(home.resolve())):
        return
    if is_finished(home) or (evaluates and RunFolder(home).is_begun()):
        what = "a finished run" if is_finished(home) else "a training"
        raise UserError(
            f"hydra.run.dir={folder}: {what} stands there; name another folder, or write force=true to replace it"
        )


def check_runs(outputs: Mapping[str, str | Path | None], *, force: bool) -> None:
    """Refuse to replace a file of a run, unless forced.

    Args:
        outputs: files by key.
        force: whether files of runs may be replaced.

    Raises:
        UserError: names the run.
    """
    for key, name in outputs.items():
        path = Path(os.path.realpath(Path(name or "").expanduser()))
        if force or name in (None, "-") or not path.is_file():
            continue
        if run := next((above for above in path.parents if RunFolder(above).is_begun()), None):
            raise UserError(
                f"{key}={name}: this is a file of the run {run}; name another, or write force=true to replace it"
            )


def damaged_files(folder: Path) -> list[str]:
    """List the files that are needed to resume a run, exist, and cannot be read to their end."""
    run = RunFolder(folder)
    broken = [RESULT] if run.result.exists() and not is_finished(folder) else []
    return broken + [file.name for file in (run.last, run.best) if file.is_file() and not is_whole(file)]


def set_aside(path: Path) -> Path:
    """Move a file or folder that is in the way into `superseded/` beside it, and return its new path."""
    return Path(shutil.move(path, _place_for(path)))


def keep_copy(path: Path) -> Path:
    """Copy a file that is about to be rewritten into `superseded/` beside it, and return the copy."""
    return Path(shutil.copyfile(path, _place_for(path)))


def _place_for(path: Path) -> Path:
    home = path.parent / SUPERSEDED
    home.mkdir(exist_ok=True)
    count = sum(1 for _ in home.glob(f"{glob.escape(path.name)}.*"))
    return home / f"{path.name}.{count + 1}"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file in one piece: a reader sees either the old one or the new one."""
    write_text(path, json_text(value, indent=2) + "\n")
