"""`metrics.csv` of a run folder, continued by a run that is resumed in the same folder."""

from __future__ import annotations

import csv
import io
import logging
from pathlib import Path

from ner_lightning.run.folder import keep_copy
from ner_lightning.storage.atomic import writing
from ner_lightning.vendors.lightning import CurveLogger, CurveWriter

log = logging.getLogger(__name__)


class MetricsFile(CurveLogger):
    """The file of every logged value by step.

    Rows after the last step of the checkpoint are dropped, because those steps will be run again.

    Args:
        folder: of the run.
        steps: optimiser steps already taken, 0 for a new run.
    """

    def __init__(self, folder: str | Path, steps: int = 0) -> None:
        super().__init__(folder, name="", version="")
        self._steps = steps

    def make_writer(self) -> CurveWriter:
        """Make the writer of the file."""
        return _Continued(self.log_dir, self._steps)


class _Continued(CurveWriter):
    """A writer that keeps an existing file and replaces it in one step; Lightning's deletes it, and may lose all."""

    def __init__(self, log_dir: str, steps: int) -> None:
        self._before_step = steps
        super().__init__(log_dir)

    def begin(self) -> None:
        """Drop the rows that will come again."""
        path = Path(self.metrics_file_path)
        text = path.read_bytes().decode("utf-8", errors="replace") if path.is_file() else ""
        lines = io.StringIO(text.replace("\0", ""), newline="\n")
        reader = csv.DictReader([line for line in lines if line.endswith("\n")])  # a kill may have cut the last one
        found = [*reader]
        rows = [row for row in found if _step(row) in range(self._before_step)]
        if any(_step(row) is None for row in found) or "step" not in (reader.fieldnames or ["step"]):
            log.warning("%s was damaged: rows that can be read are kept, the old one is %s", path, keep_copy(path))
        if rows:
            self.metrics_keys = list(reader.fieldnames or [])
            self._write(rows)
        else:
            path.unlink(missing_ok=True)

    def widen(self, columns: list[str]) -> None:  # which are `metrics_keys` by now
        """Give the rows that are there the new columns too."""
        with Path(self.metrics_file_path).open(encoding="utf-8", newline="") as file:
            self._write(list(csv.DictReader(file)))

    def _write(self, rows: list[dict[str, str]]) -> None:
        with writing(self.metrics_file_path) as file:
            writer = csv.DictWriter(file, fieldnames=self.metrics_keys)
            writer.writeheader()
            writer.writerows(rows)


def _step(row: dict[str, str]) -> int | None:
    """Read the step of a row; None if the row is damaged."""
    try:
        return None if None in row else int(row["step"])  # more cells than columns
    except (KeyError, TypeError, ValueError):
        return None
