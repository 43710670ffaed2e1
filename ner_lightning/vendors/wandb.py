"""Private parts of W&B that we use nevertheless."""

from __future__ import annotations

from typing import Any


def read_wandb_record(data: bytes) -> Any:
    """Read one record of the file that an offline run leaves; its schema is internal to W&B.

    Raises:
        ImportError: W&B is not installed.
        ValueError: the bytes are not a record.
    """
    from wandb.proto import wandb_internal_pb2 as schema

    try:
        return schema.Record.FromString(data)  # type: ignore[attr-defined]
    except Exception as error:  # protobuf's DecodeError, whose module has no types
        raise ValueError("a record that cannot be read") from error
