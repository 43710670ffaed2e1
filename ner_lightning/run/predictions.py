"""Stored predictions: a JSON line a sentence, gold and found entities side by side; the one home of the format."""

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
    """What was annotated and what was found in one sentence.

    Attributes:
        id: of the sentence, as in `Sentence`.
        document: it belongs to, empty where unknown.
        words: its words.
        gold: annotated entities, in order.
        predicted: entities found, in order, with probabilities.
        predicted_tags: one a word, only where they broke the scheme; `predicted` then follows the conlleval rule.
        unknown: indices of the words that nobody annotated.
        source: name of its corpus, where there are several.
    """

    id: str
    document: str
    words: tuple[str, ...]
    gold: tuple[EntitySpan, ...]
    predicted: tuple[ScoredSpan, ...]
    predicted_tags: tuple[str, ...] | None = None
    unknown: tuple[int, ...] = ()
    source: str = ""

    def to_json(self) -> str:
        """One line: spans `[start, end, type]`, predicted ones with their probability behind, to six digits.

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
        """Read what `to_json` wrote.

        Raises:
            ValueError: the line is no JSON object, or a span is not as written there.
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
        """Entities that count, of either side: those that neither hold nor touch a word that nobody annotated."""
        unknown = frozenset(self.unknown)
        return tuple(span for span in spans if not (unknown and touches(span, unknown)))

    def gold_tags(self, scheme: str) -> list[str]:
        """The annotation as tags, one a word; entities that do not count are left out."""
        return spans_to_tags(self.counted(self.gold), len(self.words), scheme)

    def found_tags(self, scheme: str) -> list[str]:
        """The prediction as tags, one a word; those of the model where they broke its scheme.

        Entities that do not count are left out, as the metric has it.
        """
        if self.predicted_tags is None:
            return spans_to_tags(self.counted(entity.span for entity in self.predicted), len(self.words), scheme)
        tags = list(self.predicted_tags)
        found = tags_to_spans(tags, scheme).spans if self.unknown else ()
        for span in set(found) - set(self.counted(found)):
            tags[span.start : span.end] = ["O"] * (span.end - span.start)
        return tags


def read_stored(path: Path) -> Iterator[StoredSentence]:
    """Read the stored predictions of a split, a sentence at a time.

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
