"""Read runs that W&B wrote offline from their own files: LevelDB log blocks of protobuf records.

The files need neither a server nor W&B's service, and include runs that were killed.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ner_lightning.comparison.runs.run import FinishedRun, NotARun
from ner_lightning.run.reading import UnusableRun
from ner_lightning.vendors.wandb import read_wandb_record

FILE_HEADER = 7  # bytes
BLOCK = 32768  # bytes
RECORD_HEADER = struct.Struct("<IHB")  # checksum, length, kind
FULL, LAST = 1, 4
JOB, COMPARISON = "train", "comparison"
COST = "cost/"
TRAINING = {"model", "optim", "monitor"}
"""Keys in the configuration of each of our trainings."""


def read_offline(file: Path) -> FinishedRun:
    """Read a run from `run-ID.wandb`.

    Args:
        file: below `wandb/offline-run-…/` or `wandb/run-…/`.

    Raises:
        UnusableRun: it did not end well, is no training, or is damaged.
    """
    config: dict[str, Any] = {}
    last: dict[str, float] = {}
    history: list[dict[str, float]] = []
    job, exit_code = "", None
    try:
        for record in _records(file.read_bytes()):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                job = record.run.job_type
                config |= _values(record.run.config.update)
            elif kind == "config":
                config |= _values(record.config.update)
            elif kind == "history":
                history.append(_numbers(_values(record.history.item)))
                last |= history[-1]
            elif kind == "exit":
                exit_code = record.exit.exit_code
    except (OSError, ValueError) as error:
        raise UnusableRun(f"{file.name} is damaged ({type(error).__name__})") from error
    check_state(job, "finished" if exit_code == 0 else "not finished" if exit_code is None else "failed", config)
    return run_of(str(file.parent), config, last, history, file.stat().st_mtime)


def check_state(job: str, state: str, config: Mapping[str, Any]) -> None:
    """Refuse anything but a finished training.

    A sweep gives the jobs of each setting their own job type, so a training is recognised by its configuration.

    Args:
        job: the job type.
        state: its name in W&B.
        config: of the run.

    Raises:
        NotARun: it is a comparison.
        UnusableRun: it is something else, or not finished.
    """
    if job == COMPARISON:
        raise NotARun("a comparison")
    if job != JOB and not config.keys() >= TRAINING:
        raise UnusableRun(f"a run of job type {job or 'none'}, not a training")
    if state != "finished":
        raise UnusableRun(f"W&B says that it is {state}")


def run_of(
    name: str,
    config: Mapping[str, Any],
    last: Mapping[str, float],
    history: Iterable[Mapping[str, float]],
    written: float,
) -> FinishedRun:
    """Build a run from what W&B knows about it; the scores logged last are those of the best weights.

    Raises:
        UnusableRun: there are none.
    """
    config = {key: value for key, value in config.items() if key != "_wandb"}
    scores = {key: value for key, value in last.items() if key.startswith(("test/", "val/"))}
    if not scores:
        raise UnusableRun("W&B knows no scores of it")
    cost = {key.removeprefix(COST): value for key, value in last.items() if key.startswith(COST)}
    return FinishedRun(name=name, config=config, scores=scores, cost=cost, written=written, history=tuple(history))


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if isinstance(value, int | float)}


def _values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _records(data: bytes) -> Iterator[Any]:
    position, pending = FILE_HEADER, b""
    while position + RECORD_HEADER.size <= len(data):
        left = BLOCK - position % BLOCK
        if left < RECORD_HEADER.size:
            position += left
            continue
        _, length, kind = RECORD_HEADER.unpack_from(data, position)
        position += RECORD_HEADER.size
        if position + length > len(data):
            return  # cut off when the run was killed
        pending += data[position : position + length]
        position += length
        if kind in (FULL, LAST):
            try:
                yield read_wandb_record(pending)
            except ImportError as error:
                raise UnusableRun("reading it needs wandb: pip install wandb") from error
            pending = b""
