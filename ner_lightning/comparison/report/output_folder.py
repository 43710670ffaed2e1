"""Write a comparison to files: tables, everything as JSON, pictures, the report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ner_lightning.analysis.plots import PlotsUnavailable
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.pictures.pictures import Pictures, draw_all, nothing_drawn
from ner_lightning.comparison.report.html import render_comparison
from ner_lightning.comparison.report.json_record import comparison_record
from ner_lightning.comparison.report.markup import render_csv, render_latex, render_markdown, render_pairs_csv
from ner_lightning.comparison.why import Why
from ner_lightning.errors import UserError
from ner_lightning.run.folder import FIGURES
from ner_lightning.storage.atomic import write_text
from ner_lightning.storage.json_text import json_text

log = logging.getLogger(__name__)

REPORT = "report.html"


class WrittenReport(NamedTuple):
    """The files of a written comparison.

    Attributes:
        folder: their folder.
        report: the page.
        pictures: the pictures that were drawn.
    """

    folder: Path
    report: Path
    pictures: Pictures


def write(comparison: Comparison, whys: Sequence[Why], folder: Path, figures: bool = True) -> WrittenReport:
    """Write all files of a comparison.

    Args:
        comparison: of `compare`.
        whys: of each section.
        folder: of the files; made if needed.
        figures: whether to draw; without matplotlib a line in the log says what to install.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pictures = _draw(comparison, whys, folder / FIGURES) if figures else nothing_drawn(comparison)
        texts = {
            "table.md": render_markdown(comparison),
            "table.tex": render_latex(comparison),
            "table.csv": render_csv(comparison),
            "pairs.csv": render_pairs_csv(comparison),
            "comparison.json": json_text(comparison_record(comparison, list(whys)), indent=1) + "\n",
            REPORT: render_comparison(comparison, whys, pictures),
        }
        for name, text in texts.items():
            write_text(folder / name, text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"output={folder}: cannot be written ({reason}); name another folder.") from error
    return WrittenReport(folder, folder / REPORT, pictures)


def _draw(comparison: Comparison, whys: Sequence[Why], folder: Path) -> Pictures:
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # silences its notes about fonts
    try:
        return draw_all(comparison, whys, folder)
    except PlotsUnavailable as error:
        log.info("%s", error)
        return nothing_drawn(comparison)
