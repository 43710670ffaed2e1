"""Find splits without any annotation, or without any entity."""

from __future__ import annotations

import logging

from ner_lightning.data.read_report import ReadReport
from ner_lightning.errors import DataError

log = logging.getLogger(__name__)


def check_annotated(report: ReadReport, split: str, folder: str) -> None:
    """Refuse a split without a single annotated word; warn about one without a single entity.

    Args:
        report: of the split.
        split: its name.
        folder: of the corpus.

    Raises:
        DataError: every word is unknown, so nothing could be learned or scored.
    """
    if report.words and report.unknown_words >= report.words:
        without = ", or test=false to train without it" if split == "test" else ""
        raise DataError(
            f"expected annotated words in the {split} split, found none: not one of its {report.words} words has a "
            f"tag; see the columns or keys of data.reader, or name another file (data.{split}=FILE){without}",
            folder,
        )
    if not report.entities:
        log.warning(
            "%s: the %s split has no entity at all; is the column or key of the tags the right one?", folder, split
        )
