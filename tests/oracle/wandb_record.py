"""Reads what W&B really wrote: the `.wandb` file of a run folder, LevelDB log blocks of protobuf records."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE_HEADER = 7  # bytes
BLOCK = 32768  # bytes
RECORD_HEADER = struct.Struct("<IHB")  # checksum, length, kind
FULL, LAST = 1, 4


@dataclass
class WrittenRun:
    """One run as its file tells it."""

    folder: Path
    id: str = ""
    name: str = ""
    project: str = ""
    group: str = ""
    job_type: str = ""
    tags: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    """Which metric is the horizontal axis of which."""
    exit_code: int | None = None


def read_runs(save_dir: Path) -> list[WrittenRun]:
    """The runs below a folder, oldest first."""
    files = [file for file in save_dir.glob("wandb/*run-*/*.wandb") if not file.parent.is_symlink()]
    return [read_run(file) for file in sorted(files, key=lambda file: file.stat().st_ctime_ns)]


def read_run(file: Path) -> WrittenRun:
    run = WrittenRun(file.parent)
    for record in _records(file.read_bytes()):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run.id, run.name, run.project = record.run.run_id, record.run.display_name, record.run.project
            run.group, run.job_type, run.tags = record.run.run_group, record.run.job_type, tuple(record.run.tags)
            run.config |= _values(record.run.config.update)
        elif kind == "config":
            run.config |= _values(record.config.update)
        elif kind == "summary":
            run.summary |= _values(record.summary.update)
        elif kind == "history":
            run.history.append(_values(record.history.item))
        elif kind == "metric":
            run.steps[record.metric.name or record.metric.glob_name] = record.metric.step_metric
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    return run


def _values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _records(data: bytes) -> Iterator[Any]:
    from wandb.proto import wandb_internal_pb2

    position, pending = FILE_HEADER, b""
    while position + RECORD_HEADER.size <= len(data):
        left = BLOCK - position % BLOCK
        if left < RECORD_HEADER.size:
            position += left
            continue
        _, length, kind = RECORD_HEADER.unpack_from(data, position)
        position += RECORD_HEADER.size
        pending += data[position : position + length]
        position += length
        if kind in (FULL, LAST):
            yield wandb_internal_pb2.Record.FromString(pending)
            pending = b""
