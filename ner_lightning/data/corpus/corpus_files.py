"""Read files to sentences, and encode these; each is done once and kept."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from ner_lightning.data.corpus.encoding import ENCODED, EncodedCorpus, WordEncoder, write_encoded
from ner_lightning.data.corpus.sentence_store import SENTENCES, SentenceStore, store_sentences
from ner_lightning.data.read_report import USUAL_LIMIT, ReadReport, SentenceLimit, report_from_dict, report_to_dict
from ner_lightning.data.readers.reader import Reader
from ner_lightning.errors import DataError
from ner_lightning.storage.cache import Cache
from ner_lightning.storage.fingerprint import digest, fingerprint_code, fingerprint_files, fingerprint_reader
from ner_lightning.storage.flat_arrays import Arrays, ArrayWriter, MemoryWriter
from ner_lightning.tagging.tagset import TagSet


class CorpusFiles:
    """Reads files and encodes their sentences.

    Kept entries are named by content: the bytes of the file and of other files its reader reads, its name (sentences
    are named after it), the reader with its options, `limit`, and the code that reads; for an encoding also the
    tokenizer, the length of a row and the tags.

    Args:
        reader: of the files.
        cache: keeps both; None: nothing is kept.
        limit: number of sentences to read of a file; None: all.
        longest: how long a sentence may be.
    """

    def __init__(
        self, reader: Reader, cache: Cache | None, limit: int | None = None, longest: SentenceLimit = USUAL_LIMIT
    ) -> None:
        self.reader, self.cache, self.limit, self.longest = reader, cache, limit, longest

    def sentences(self, path: Path) -> SentenceStore:
        """Read the sentences of a file.

        Raises:
            DataError: there is none, or the file cannot be understood.
        """
        key = self._key(path)

        def build(writer: ArrayWriter) -> Arrays:
            report = ReadReport(limit=self.longest, reader=type(self.reader).__name__)
            return store_sentences(islice(self.reader.read(path, report), self.limit), report, writer)

        if self.cache is None or key is None:
            store = SentenceStore(build(MemoryWriter(SENTENCES)))
        else:
            store = SentenceStore(self.cache.entry("sentences", key, SENTENCES, build), key)
        if not len(store):
            raise DataError("expected at least one sentence, found none", path)
        return store

    def survey(self, path: Path) -> ReadReport:
        """Report on a file without keeping its sentences.

        Raises:
            DataError: the file cannot be understood.
        """
        key = self._key(path)

        def build(writer: ArrayWriter) -> Arrays:
            report = ReadReport(limit=self.longest, reader=type(self.reader).__name__)
            for _ in self.reader.read(path, report):
                pass
            return writer.finish(report_to_dict(report))

        if self.cache is None or key is None:
            return report_from_dict(build(MemoryWriter({})).about)
        return report_from_dict(self.cache.entry("survey", key, {}, build).about)

    def encoded(self, store: SentenceStore, words: WordEncoder, tags: TagSet) -> EncodedCorpus:
        """Encode stored sentences; the remarks of `words` are the same whether they are encoded now or were before."""

        def build(writer: ArrayWriter) -> Arrays:
            return write_encoded(store, words, tags, writer)

        if self.cache is None or store.key is None:
            return EncodedCorpus.over(build(MemoryWriter(ENCODED)))
        key = digest(store.key, words.fingerprint, tags.to_dict())
        arrays = self.cache.entry("encoded", key, ENCODED, build)
        words.pieceless.update(arrays.about["pieceless"])
        words.shortened.update(arrays.about["shortened"])
        return EncodedCorpus.over(arrays)

    def _key(self, path: Path) -> str | None:
        """Digest what decides a file's sentences; None for a hub dataset, or a reader with other than plain options."""
        if (
            self.cache is None
            or (reader := fingerprint_reader(self.reader)) is None
            or (content := fingerprint_files(path, self.reader)) is None
        ):
            return None
        return digest(content, path.name, reader, self.limit, self.longest.words, fingerprint_code())
