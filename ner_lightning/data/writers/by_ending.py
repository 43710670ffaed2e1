"""Choose the writer of a file by its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ner_lightning.data.formats import COMPRESSED, ENDINGS
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.columns import ConllWriter
from ner_lightning.data.writers.json_lines import JsonlWriter
from ner_lightning.data.writers.parquet import ParquetWriter
from ner_lightning.data.writers.spacy import SpacyWriter
from ner_lightning.data.writers.writer import Writer, WriteReport
from ner_lightning.errors import UserError
from ner_lightning.tagging import scheme_named


class WriterByEnding:
    """A writer of columns, our JSON lines, `.spacy` or `.parquet`, by the ending; other formats must be named.

    Args:
        scheme: tag scheme, if the format has tags.
    """

    whole_documents = False

    def __init__(self, scheme: str = "IOB2") -> None:
        self.scheme = scheme_named(scheme).name

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file.

        Raises:
            UserError: the name shows no format.
        """
        return self.chosen(target).write(sentences, target)

    def chosen(self, target: Path) -> Writer:
        """Return the writer of a file.

        Raises:
            UserError: the name shows no format.
        """
        ending = target.suffix.lower()
        if ending in COMPRESSED:
            raise UserError(f"{target}: outputs are not compressed; leave {ending} out, and compress the file then.")
        if ending in (*ENDINGS["conll"], *ENDINGS["text"]):
            return ConllWriter(self.scheme)
        if ending in (".jsonl", ".ndjson"):
            return JsonlWriter()
        if ending == ".spacy":
            return SpacyWriter()
        if ending == ".parquet":
            return ParquetWriter(self.scheme)
        likely = {".json": "to=label_studio", "": "to=brat"}.get(ending, "to=conll")
        raise UserError(f"{target}: expected a name that shows the format, found the ending {ending!r}; give {likely}.")
