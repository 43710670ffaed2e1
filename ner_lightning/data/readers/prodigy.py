"""Read Prodigy's JSON lines: tokens, spans, and the annotator's answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.alignment import Misaligned, Place
from ner_lightning.data.text.records import Record
from ner_lightning.data.text.words import Overlap, split_words
from ner_lightning.errors import DataError

Answer = Literal["accept", "reject", "ignore"]
ANSWERS: tuple[Answer, ...] = ("accept", "reject", "ignore")


class ProdigyReader(JsonlReader):
    """A reader of what `prodigy db-out` writes: a text, its tokens, and spans over its characters.

    Words are the tokens, except those of white space only. A record without tokens is split by the rule of
    `JsonlReader`. Records with another answer than `accept` are left out and counted: the spans of a rejected one are
    wrong in an unknown way. `meta.id` and `meta.document` are kept.

    Args:
        answers: which answers are read; a record without one counts as accepted. None: `accept`.
        misaligned: what to do with a span that has an edge inside a word: `snap`, `drop`, `error`.
        overlap: which of overlapping spans stays: `first`, `longest`, `error`.
        encoding: of the file.
    """

    def __init__(
        self,
        answers: list[Answer] | None = None,
        misaligned: Misaligned = "snap",
        overlap: Overlap = "first",
        encoding: str = "utf-8",
    ) -> None:
        super().__init__(
            spans_key="spans", positions="characters", misaligned=misaligned, overlap=overlap, encoding=encoding
        )
        self.answers = ["accept"] if answers is None else list(answers)
        for answer in self.answers:
            check_option("answers", answer, ANSWERS)

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield a sentence for each record that was accepted and has a word, and fill the report.

        Raises:
            DataError: as `JsonlReader.read`; every record was refused.
        """
        yield from super().read(path, report)
        if not report.sentences and report.rejected:
            wanted = ", ".join(self.answers)
            raise DataError(f"expected a record with the answer {wanted}, found {report.rejected} others", path)

    def _prepared(self, record: Record, place: Place, report: ReadReport) -> Record | None:
        answer = record.get("answer", "accept")
        if answer not in self.answers:
            report.rejected += 1
            report.note(f"left out: a record with the answer {answer!r}", place.path, place.line, "rejected")
            return None
        meta = record.get("meta")
        taken: dict[str, Any] = (
            {k: meta[k] for k in ("id", "document") if k in meta} if isinstance(meta, Mapping) else {}
        )
        if "answer" in record and record.get("spans") is None:
            taken["spans"] = []  # the annotator found nothing
        tokens = record.get("tokens")
        if isinstance(tokens, list) and all(isinstance(t, dict) and isinstance(t.get("text"), str) for t in tokens):
            taken["tokens"] = [token for token in tokens if split_words(token["text"], "whitespace")]
        return record | taken
