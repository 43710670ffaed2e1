"""What the throughput benchmarks share: a corpus encoded for an encoder, as we and as run_ner.py lay it out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ner_lightning.data.batches.collate import Collator
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder, encode
from ner_lightning.data.datamodule import CorpusDataModule
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.sentence import Sentence
from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.tagging.tagset import TagSet


@dataclass
class Corpus:
    """One split of a corpus and what reads it."""

    name: str
    encoder: str
    sentences: list[Sentence]
    tags: TagSet
    words: WordEncoder
    encoded: EncodedCorpus

    @property
    def subwords(self) -> float:
        """Mean subwords of a sentence, special ones included."""
        return float(self.lengths.mean())

    @property
    def lengths(self) -> np.ndarray:
        """Subwords of each sentence, special ones included."""
        return self.encoded.lengths + len(self.words.prefix) + len(self.words.suffix)

    def collator(self, packed: bool) -> Collator:
        """Lays out batches of the corpus."""
        return Collator(self.encoded, self.words, "packed" if packed else "padded")

    def peer_rows(self, indices: list[int]) -> list[dict[str, list[int]]]:
        """Lay the same sentences out as run_ner.py does: the tag at the first subword, -100 elsewhere."""
        rows = []
        for index in indices:
            sentence = self.sentences[index]
            ids = self.tags.encode(sentence.spans, len(sentence.words))
            row = self.words.tokenizer(list(sentence.words), is_split_into_words=True, truncation=True, max_length=512)
            places = row.word_ids()
            labels = [
                ids[word] if word is not None and word != before else -100
                for word, before in zip(places, [None, *places], strict=False)
            ]
            rows.append({"input_ids": row["input_ids"], "attention_mask": row["attention_mask"], "labels": labels})
        return rows


def read_corpus(folder: str, encoder: str, split: str, limit: int | None = None) -> Corpus:
    """Read a split: JSON lines where the folder holds them (in Chinese, by characters), else columns.

    The tags are those of the training data, all of them whatever the limit.
    """
    path = Path(folder)
    jsonl = any(file.suffix in (".json", ".jsonl") for file in path.iterdir())
    units = "characters" if jsonl else "words"
    reader = JsonlReader() if jsonl else ConllReader()
    data = CorpusDataModule(folder, reader, units=units, cache=None)  # type: ignore[arg-type]
    data.read("train", split, required=("train", split))
    tags = data.tag_set()
    words = WordEncoder(load_tokenizer(encoder, units=units), 512)  # type: ignore[arg-type]
    known = [s for s in data.sentences[split] if all(span.label in tags.types for span in s.spans)][:limit]
    return Corpus(path.name, encoder, known, tags, words, encode(known, words, tags))
