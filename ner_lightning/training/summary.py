"""Tables and pictures in the run folder about entity probabilities and the CRF of a finished run."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner_lightning.analysis.calibration import Calibration, calibration_of
from ner_lightning.analysis.plots import PlotsUnavailable, reliability_diagram, save_figure, transition_matrix
from ner_lightning.page.spreadsheet import Rows
from ner_lightning.run.folder import TRANSITIONS, RunFolder
from ner_lightning.run.predictions import read_stored
from ner_lightning.storage.atomic import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from ner_lightning.model.decoder.decoder import Decoder
    from ner_lightning.tagging.tagset import TagSet

log = logging.getLogger(__name__)


def calibrate(stored: Mapping[str, Path], folder: Path) -> dict[str, Calibration]:
    """Measure the calibration of each split, write `calibration/*_<split>.csv`, log a line.

    Args:
        stored: files of stored predictions by split.
        folder: of the run.
    """
    found = {split: calibration_of(read_stored(path)) for split, path in stored.items()}
    for split, calibration in found.items():
        tables = {"equal_width": calibration.equal_width, "equal_mass": calibration.equal_mass}
        rows = [{"bins": name, **row._asdict()} for name, table in tables.items() for row in table]
        home = RunFolder(folder).calibration
        write_csv(home / f"reliability_{split}.csv", rows)
        write_csv(home / f"min_probability_{split}.csv", [f._asdict() for f in calibration.filtered])
        if calibration.ece is None:
            log.info("entity probabilities (%s): no entity was found", split)
        else:
            log.info(
                "entity probabilities (%s): ECE %.3f over %s entities", split, calibration.ece, f"{calibration.n:,}"
            )
    return found


def draw_run_pictures(calibrations: Mapping[str, Calibration], decoder: Decoder, tags: TagSet, folder: Path) -> None:
    """Draw `figures/reliability_<split>` and, if the decoder scores moves, `figures/transitions`, as PNG and SVG.

    Without matplotlib, a line in the log says what to install.

    Args:
        calibrations: by split.
        decoder: of the model.
        tags: of the model.
        folder: of the run.
    """
    figures = RunFolder(folder).figures
    try:
        for split, calibration in calibrations.items():
            if calibration.ece is not None:
                title = f"{split}: ECE {calibration.ece:.3f}, Brier {calibration.brier:.3f}, {calibration.n:,} entities"
                figure = reliability_diagram(calibration.equal_width, title)
                save_figure(figure, figures / f"reliability_{split}")
        if (moves := decoder.moves()) is not None:
            save_figure(transition_figure(decoder, moves, tags), figures / TRANSITIONS)
    except PlotsUnavailable as error:
        log.info("%s", error)


def transition_figure(decoder: Decoder, moves: Tensor, tags: TagSet) -> Figure:
    """Draw a decoder's scores of moves; the forbidden ones are those that decoding forbids.

    Raises:
        PlotsUnavailable: matplotlib is not installed.
    """
    legal = decoder.legal_moves("decode")
    return transition_matrix(
        moves.detach().cpu().float().numpy(),
        None if legal is None else legal.cpu().numpy(),
        tags.tags,
        f"{type(decoder).__name__} transitions (constrain: {decoder.constrain})",
    )


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows with the same keys; numbers to six digits; no file if there are no rows."""
    rows = list(rows)
    if not rows:
        return
    with writing(path) as file:
        writer = Rows(file)
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(round(v, 6) if isinstance(v, float) else v for v in row.values())
