"""Collect numbers and hashes of every sentence and entity in one pass: a few bytes each, and no text."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ner_lightning.data.sentence import Sentence


@dataclass(frozen=True)
class Gathered:
    """A split in numbers. Hashes have 64 bits and are valid only in this process.

    Attributes:
        text: per sentence, a hash of its words.
        annotation: per sentence, a hash of its entities.
        complete: per sentence, whether every word is annotated.
        words: per sentence, its number of words.
        entities: per sentence, its number of entities.
        document: per sentence, a hash of its document's name; 0 if there is none.
        mention: per entity, a hash of its words.
        label: per entity, the number of its type.
        width: per entity, its number of words.
        numbers: of the types by name, the same for every split.
    """

    text: np.ndarray
    annotation: np.ndarray
    complete: np.ndarray
    words: np.ndarray
    entities: np.ndarray
    document: np.ndarray
    mention: np.ndarray
    label: np.ndarray
    width: np.ndarray
    numbers: dict[str, int]

    def __len__(self) -> int:
        """Count the sentences."""
        return len(self.text)

    @property
    def types(self) -> list[str]:
        """Names of the types by number."""
        return list(self.numbers)

    @cached_property
    def entity_start(self) -> np.ndarray:
        """Per sentence, the number of entities before it; at the end, the number of all."""
        return np.concatenate(([0], np.cumsum(self.entities)))

    def place_of_entity(self, entity: int) -> tuple[int, int]:
        """Find the sentence of an entity, and which of its entities it is."""
        sentence = int(np.searchsorted(self.entity_start, entity, side="right")) - 1
        return sentence, int(entity - self.entity_start[sentence])

    def type_counts(self) -> dict[str, int]:
        """Count the mentions of each type that occurs."""
        counts = np.bincount(self.label, minlength=len(self.types)).tolist()
        return {name: count for name, count in zip(self.types, counts, strict=True) if count}


class Gatherer:
    """A collector of the numbers of a split, fed with its sentences.

    Args:
        types: numbers of the types, common to all splits; new types are added.
    """

    def __init__(self, types: dict[str, int]) -> None:
        self.types = types
        self.columns = {name: array(code) for name, code in _COLUMNS.items()}

    def add(self, sentences: Iterable[Sentence]) -> None:
        """Take the next sentences."""
        text, annotation, document, mention = (self.columns[name] for name in _HASHES)
        complete, words, entities, label, width = (self.columns[name] for name in _COLUMNS if name not in _HASHES)
        for sentence in sentences:
            text.append(hash(sentence.words))
            annotation.append(hash(sentence.spans))
            document.append(hash(sentence.document) if sentence.document else 0)
            complete.append(not sentence.unknown)
            words.append(len(sentence.words))
            entities.append(len(sentence.spans))
            for start, end, name in sentence.spans:
                mention.append(hash(sentence.words[start:end]))
                label.append(self.types.setdefault(name, len(self.types)))
                width.append(end - start)

    def done(self) -> Gathered:
        """Return the numbers of all sentences."""
        return Gathered(**{name: _array(column) for name, column in self.columns.items()}, numbers=self.types)


_HASHES = ("text", "annotation", "document", "mention")
_COLUMNS = dict.fromkeys(_HASHES, "q") | {"complete": "b", "words": "i", "entities": "i", "label": "i", "width": "i"}


def _array(column: array[int]) -> np.ndarray:
    return np.frombuffer(column, dtype=column.typecode) if column else np.zeros(0, dtype=column.typecode)
