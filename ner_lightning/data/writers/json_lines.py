"""Write JSON lines: one object per sentence, with text, words and entities."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, TextIO

from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.writer import WriteReport, opened


class JsonlWriter:
    """A writer of JSON lines that `data=jsonl` reads back without loss.

    Args:
        words: whether to write the words and their offsets; otherwise text is split again when the file is read.
    """

    whole_documents = False

    def __init__(self, words: bool = True) -> None:
        self.words = words

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file."""
        written = WriteReport()
        write_jsonl(map(written.count, sentences), target, words=self.words)
        return written


def write_jsonl(
    sentences: Iterable[Sentence],
    target: Path | TextIO,
    probabilities: Iterable[Sequence[float]] | None = None,
    joiner: str = " ",
    words: bool = True,
) -> int:
    """Write one object per line, see `sentence_record`.

    Args:
        sentences: what to write.
        target: a file to make, or an open text stream.
        probabilities: of each sentence's entities, in their order, one sequence per sentence.
        joiner: what joins words if a sentence has no text of its own; empty for characters.
        words: whether to write the words and their offsets too.

    Returns:
        The number of sentences written.

    Raises:
        ValueError: fewer or more probabilities than sentences or entities.
    """
    count = 0
    with opened(target) as stream:
        pairs = zip(sentences, repeat(None)) if probabilities is None else zip(sentences, probabilities, strict=True)
        for sentence, values in pairs:
            record = sentence_record(sentence, values, joiner=joiner, words=words)
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    return count


def sentence_record(
    sentence: Sentence, probabilities: Sequence[float] | None = None, *, joiner: str = " ", words: bool = True
) -> dict[str, Any]:
    """Convert a sentence to plain containers: text, words and entities, in words and in characters.

    >>> from ner_lightning.tagging import EntitySpan
    >>> record = sentence_record(Sentence(("In", "New", "York"), (EntitySpan(1, 3, "LOC"),)), words=False)
    >>> record["text"], record["entities"][0]["text"], record["entities"][0]["char_start"]
    ('In New York', 'New York', 3)
    """
    text, offsets = sentence.text, sentence.offsets
    if text is None or offsets is None:
        text, offsets = joiner.join(sentence.words), tuple(_joined_offsets(sentence.words, len(joiner)))
    record: dict[str, Any] = {"id": sentence.id} if sentence.id else {}
    if sentence.document:
        record["document"] = sentence.document
    record["text"] = text
    if words:
        record |= {"words": list(sentence.words), "offsets": [list(pair) for pair in offsets]}
    if sentence.unknown:
        record["unknown"] = list(sentence.unknown)
    record["entities"] = [
        {
            "start": span.start,
            "end": span.end,
            "label": span.label,
            "text": text[offsets[span.start][0] : offsets[span.end - 1][1]],
            "char_start": offsets[span.start][0],
            "char_end": offsets[span.end - 1][1],
        }
        for span in sentence.spans
    ]
    if probabilities is not None:
        for entity, probability in zip(record["entities"], probabilities, strict=True):
            entity["probability"] = probability
    return record


def _joined_offsets(words: Sequence[str], gap: int) -> Iterator[tuple[int, int]]:
    position = 0
    for word in words:
        yield position, position + len(word)
        position += len(word) + gap
