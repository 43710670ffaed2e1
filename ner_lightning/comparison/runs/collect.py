"""Find finished runs by the words of a command line, and list what is no finished run, with reasons."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ner_lightning.comparison.runs.run import WANDB, FinishedRun, LeftOut, NotARun, read_run
from ner_lightning.errors import UserError
from ner_lightning.run.folder import (
    CALIBRATION,
    CHECKPOINTS,
    CONFIG,
    FIGURES,
    MANIFEST,
    PREDICTIONS,
    RECORD,
    RESULT,
    SUPERSEDED,
)
from ner_lightning.run.reading import UnusableRun

# Folders inside a run folder, and folders that a sweep has put aside.
NEVER = (SUPERSEDED, CHECKPOINTS, PREDICTIONS, CALIBRATION, FIGURES, "__pycache__", ".git")


class Collected(NamedTuple):
    """The runs that were found, and what is left out."""

    runs: list[FinishedRun]
    left_out: list[LeftOut]


def collect(words: Sequence[str]) -> Collected:
    """Read all runs that the words name.

    Args:
        words: run folders, folders with runs anywhere below (of a sweep, `outputs`), globs, `wandb:entity/project` and
            `wandb:entity/project/group`.

    Returns:
        Each run once, in the order of the words, and within a word in that of the names.

    Raises:
        UserError: a word matches nothing, or there is no finished run at all.
    """
    if not words:
        raise UserError(
            "no runs given: python -m ner_lightning.compare outputs/sweeps/NAME, or RUN_FOLDER RUN_FOLDER …"
        )
    runs: dict[str, FinishedRun] = {}
    left_out: dict[str, LeftOut] = {}
    for word in words:
        found = _of_wandb(word) if word.startswith(WANDB) else _below(word)
        for item in found:
            known = left_out if isinstance(item, LeftOut) else runs
            known.setdefault(_identity(item.name), item)  # type: ignore[arg-type]
    if not runs:
        reasons = "".join(f"\n  {item.name}: {item.reason}" for item in list(left_out.values())[:10])
        raise UserError(f"{' '.join(words)}: no finished run there.{reasons}")
    return Collected(list(runs.values()), list(left_out.values()))


def _identity(name: str) -> str:
    return name if name.startswith(WANDB) else os.path.realpath(name)


def _below(word: str) -> Iterator[FinishedRun | LeftOut]:
    for path in _paths(word):
        folder = path if path.is_dir() else path.parent
        states = dict(_states(folder))
        files: list[Path] = []
        any_run = False
        for run in _run_folders(folder, files):
            any_run = True
            yield _read(run, states)
        yield from (LeftOut(str(job), reason) for job, reason in states.items() if not _is_run(job))
        finished = {file for file in files if _is_run(file.parents[2])}
        offline = [file for file in files if file not in finished]
        if offline:
            from ner_lightning.comparison.runs.wandb_files import read_offline

            yield from filter(None, (_offline(file, read_offline) for file in offline))
        if not (any_run or states or offline):
            yield LeftOut(str(folder), f"no run folder there (a run folder holds {CONFIG} and {RESULT})")


def _paths(word: str) -> list[Path]:
    path = Path(word).expanduser()
    if path.exists():
        return [path]
    found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  (a pattern may begin anywhere)
    if not found:
        kind = "matches nothing" if glob.has_magic(word) else "there is no such file or folder"
        raise UserError(f"{word}: {kind}; give run folders, sweep folders, globs or wandb:entity/project.")
    return [Path(name) for name in found]


def _is_run(folder: Path) -> bool:
    return (folder / CONFIG).is_file() or (folder / RESULT).is_file()


def _run_folders(top: Path, offline: list[Path]) -> Iterator[Path]:
    """Yield run folders at and below a folder; files that W&B wrote offline beside them are added to `offline`."""
    for name, folders, files in os.walk(top):
        here = Path(name)
        if here.name.startswith(("run-", "offline-run-")) and here.parent.name == "wandb":
            offline += [here / file for file in files if file.endswith(".wandb")]
            folders.clear()
            continue
        # W&B's own `latest-run` is a link to a run.
        folders[:] = sorted(f for f in folders if f not in NEVER and not (here / f).is_symlink())
        if CONFIG in files or RESULT in files or (RECORD in files and here == top):
            folders[:] = [folder for folder in folders if folder == "wandb"]
            yield here


def _read(folder: Path, states: dict[Path, str]) -> FinishedRun | LeftOut:
    try:
        return read_run(folder)
    except UnusableRun as error:
        return LeftOut(str(folder), states.get(folder, str(error)))


def _offline(file: Path, read: Callable[[Path], FinishedRun]) -> FinishedRun | LeftOut | None:
    try:
        return read(file)
    except NotARun:
        return None
    except UnusableRun as error:
        return LeftOut(str(file.parent), str(error))


def _states(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the folders of a sweep's jobs without a result, with their states in its manifest."""
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            job = json.loads(line)
            name, state = str(job["job"]), str(job["state"])
        except (ValueError, KeyError, TypeError):
            continue
        if state != "finished":
            yield folder / name, f"{state}: {job['error']}" if job.get("error") else state


def _of_wandb(word: str) -> Iterable[FinishedRun | LeftOut]:
    from ner_lightning.comparison.runs.wandb_api import read_online

    try:
        return list(read_online(word.removeprefix(WANDB)))
    except UnusableRun as error:
        raise UserError(f"{word}: {error}") from error
