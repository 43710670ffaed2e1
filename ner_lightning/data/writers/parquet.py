"""Write parquet files as datasets of Hugging Face have them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.writer import WriteReport
from ner_lightning.errors import UserError
from ner_lightning.tagging import scheme_named, spans_to_tags

_ROWS = 1000  # in memory at once


class ParquetWriter:
    """A writer of `.parquet` files with the columns `id`, `document`, `tokens` and `ner_tags`, tags as text.

    Texts are not kept. Needs the extra `hf`.

    Args:
        scheme: tag scheme.
    """

    whole_documents = False

    def __init__(self, scheme: str = "IOB2") -> None:
        self.scheme = scheme_named(scheme).name

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file.

        Raises:
            UserError: pyarrow is not installed.
            ValueError: the scheme cannot separate spans.
        """
        try:
            import pyarrow as pa  # type: ignore[import-untyped]
            import pyarrow.parquet as pq  # type: ignore[import-untyped]
        except ImportError:
            raise UserError("writing a parquet file needs: pip install 'ner-lightning[hf]'") from None
        written, texts = WriteReport(), pa.list_(pa.string())
        fields = {"id": pa.string(), "document": pa.string(), "tokens": texts, "ner_tags": texts}
        schema, rest = pa.schema(fields), iter(sentences)
        with pq.ParquetWriter(target, schema) as writer:
            while rows := list(islice(rest, _ROWS)):
                for sentence in rows:
                    written.count(sentence)
                    written.unknown_lost += len(sentence.unknown)
                columns = {
                    "id": [s.id for s in rows],
                    "document": [s.document for s in rows],
                    "tokens": [list(s.words) for s in rows],
                    "ner_tags": [spans_to_tags(s.spans, len(s.words), self.scheme) for s in rows],
                }
                writer.write_table(pa.table(columns, schema=schema))
        return written
