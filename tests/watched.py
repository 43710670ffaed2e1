"""What the steps of a real run are trained on, and a run that ends in one as by a kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pytest

from ner_lightning.data.batches.collate import Batch
from ner_lightning.task.tagging import TaggingTask
from tests.runs import trained

Seen = TypeVar("Seen")


def watched(
    read: Callable[[TaggingTask, Batch], Seen], folder: Path, encoder: Path, *overrides: str, until: int | None = None
) -> list[Seen]:
    """What `read` makes of each batch of a run; with `until` the run breaks off before that step."""
    found: list[Seen] = []
    step = TaggingTask.training_step

    def watch(task: TaggingTask, batch: Batch, batch_idx: int) -> Any:
        if len(found) == until:
            raise ConnectionAbortedError("killed")
        found.append(read(task, batch))
        return step(task, batch, batch_idx)

    with patch.object(TaggingTask, "training_step", watch):
        if until is None:
            trained(folder, encoder, *overrides)
        else:
            with pytest.raises(ConnectionAbortedError):
                trained(folder, encoder, *overrides)
    return found
