"""Which format a file is to have, told by its name."""

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
    """Writes columns, JSON lines of our own, `.spacy` or `.parquet`; other formats share their endings: name them.

    Args:
        scheme: tag scheme, where the format has tags.
    """

    whole_documents = False

    def __init__(self, scheme: str = "IOB2") -> None:
        self.scheme = scheme_named(scheme).name

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file.

        Raises:
            UserError: a name that shows no format.
        """
        return self.chosen(target).write(sentences, target)

    def chosen(self, target: Path) -> Writer:
        """The writer of a file.

        Raises:
            UserError: a name that shows no format.
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
