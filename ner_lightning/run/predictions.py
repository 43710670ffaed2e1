"""Stored predictions: one JSON line per sentence, with gold and found entities; this module alone knows the format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner_lightning.errors import DataError
from ner_lightning.tagging.schemes import spans_to_tags, tags_to_spans
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan, touches


@dataclass(frozen=True, slots=True)
class StoredSentence:
    """The annotated and the found entities of one sentence.

    Attributes:
        id: of the sentence, as in `Sentence`.
        document: the document it belongs to, empty if unknown.
        words: its words.
        gold: annotated entities, in order.
        predicted: entities found, in order, with probabilities.
        predicted_tags: one per word, only if they break the scheme; `predicted` then follows the conlleval rule.
        unknown: indices of the words that nobody annotated.
        source: name of its corpus, if there are several.
    """

    id: str
    document: str
    words: tuple[str, ...]
    gold: tuple[EntitySpan, ...]
    predicted: tuple[ScoredSpan, ...]
    predicted_tags: tuple[str, ...] | None = None
    unknown: tuple[int, ...] = ()
    source: str = ""

    def mark_entities(self, *entities: EntitySpan) -> str:
        """Write the words with entities in brackets.

        >>> sentence = StoredSentence("", "", ("In", "New", "York", "."), (EntitySpan(1, 3, "LOC"),), ())
        >>> sentence.mark_entities(*sentence.gold)
        'In [New York LOC] .'
        """
        words = list(self.words)
        for start, end, label in entities:
            words[start] = f"[{words[start]}"
            words[end - 1] += f" {label}]"
        return " ".join(words)

    def to_json(self) -> str:
        """Write one line: spans as `[start, end, type]`, predicted ones followed by their probability, to six digits.

        >>> found = (ScoredSpan(EntitySpan(0, 1, "LOC"), 0.5),)
        >>> StoredSentence("1", "", ("Oslo",), (EntitySpan(0, 1, "LOC"),), found).to_json()
        '{"id": "1", "document": "", "words": ["Oslo"], "gold": [[0, 1, "LOC"]], "predicted": [[0, 1, "LOC", 0.5]]}'
        """
        record: dict[str, Any] = {
            "id": self.id,
            "document": self.document,
            **({"source": self.source} if self.source else {}),
            "words": self.words,
            "gold": self.gold,
            "predicted": [[*entity.span, round(entity.probability, 6)] for entity in self.predicted],
        }
        if self.predicted_tags is not None:
            record["predicted_tags"] = self.predicted_tags
        if self.unknown:
            record["unknown"] = self.unknown
        return json.dumps(record, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> StoredSentence:
        """Read a line that `to_json` wrote.

        Raises:
            ValueError: the line is no JSON object, or a span has another form.
            KeyError, TypeError: something is missing.

        >>> StoredSentence.from_json(
        ...     '{"id": "1", "document": "", "words": ["Oslo"], "gold": [], "predicted": [[0, 1, "LOC", 0.5]]}'
        ... ).predicted
        (ScoredSpan(span=EntitySpan(start=0, end=1, label='LOC'), probability=0.5),)
        """
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError(f"expected an object, received {type(record).__name__}")
        tags = record.get("predicted_tags")
        return cls(
            id=record["id"],
            document=record["document"],
            words=tuple(record["words"]),
            gold=tuple(EntitySpan(*span) for span in record["gold"]),
            predicted=tuple(ScoredSpan(EntitySpan(*span), probability) for *span, probability in record["predicted"]),
            predicted_tags=None if tags is None else tuple(tags),
            unknown=tuple(record.get("unknown", ())),
            source=record.get("source", ""),
        )

    def counted(self, spans: Iterable[EntitySpan]) -> tuple[EntitySpan, ...]:
        """Keep the entities that count, of either side: those neither with nor beside an unannotated word."""
        unknown = frozenset(self.unknown)
        return tuple(span for span in spans if not (unknown and touches(span, unknown)))

    def gold_tags(self, scheme: str) -> list[str]:
        """Convert the annotation to tags, one per word; entities that do not count are left out."""
        return spans_to_tags(self.counted(self.gold), len(self.words), scheme)

    def found_tags(self, scheme: str) -> list[str]:
        """Convert the prediction to tags, one per word; if the model's own broke its scheme, those.

        Entities that do not count are left out, as in the metric.
        """
        if self.predicted_tags is None:
            return spans_to_tags(self.counted(entity.span for entity in self.predicted), len(self.words), scheme)
        tags = list(self.predicted_tags)
        found = tags_to_spans(tags, scheme).spans if self.unknown else ()
        for span in set(found) - set(self.counted(found)):
            tags[span.start : span.end] = ["O"] * (span.end - span.start)
        return tags


def read_stored(path: Path) -> Iterator[StoredSentence]:
    """Read the stored predictions of a split, one sentence at a time.

    Args:
        path: a file such as `predictions/test.jsonl` of a run folder.

    Raises:
        DataError: a line that is not a stored sentence, such as the last one of an interrupted run.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield StoredSentence.from_json(line)
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    "expected a stored prediction (JSON with id, document, words, gold and predicted), found "
                    f"{line[:60]!r}; evaluate the run again",
                    path,
                    number,
                ) from error
