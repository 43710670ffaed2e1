"""Sentences to files: columns with tags, or JSON lines with spans."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import repeat
from pathlib import Path
from typing import Any, TextIO

from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging import spans_to_tags

UNKNOWN_TAG = "?"


def write_conll(
    sentences: Iterable[Sentence], target: Path | TextIO, scheme: str = "IOB2", document_marker: str | None = None
) -> int:
    """Write a word and its tag a line, with a tab between, and an empty line after each sentence.

    A word nobody annotated gets the tag `?`. Texts, offsets and ids are not kept; `write_jsonl` keeps them.

    Args:
        sentences: what to write.
        target: a file to make, or an open text stream.
        scheme: tag scheme.
        document_marker: the word of a line written where another document begins, such as `-DOCSTART-`.

    Returns:
        The number of sentences written.

    Raises:
        ValueError: a word that is empty, holds a tab or line feed, or would read as the marker; spans the scheme
            cannot tell apart.
    """
    count, document = 0, ""
    with _opened(target) as stream:
        for count, sentence in enumerate(sentences, 1):
            if document_marker and sentence.document != document:
                stream.write(f"{document_marker}\tO\n\n")
                document = sentence.document
            tags = spans_to_tags(sentence.spans, len(sentence.words), scheme)
            for index in sentence.unknown:
                if tags[index] == "O":
                    tags[index] = UNKNOWN_TAG
            if count == 1 and sentence.words[:1] and sentence.words[0].startswith("\ufeff"):
                stream.write("\n")  # a reader takes U+FEFF at the very start for a byte order mark
            for word, tag in zip(sentence.words, tags, strict=True):
                if not word or "\t" in word or "\n" in word or word == "-DOCSTART-":
                    raise ValueError(f"expected words that fit a column, found {word!r} in {sentence.id}; write JSONL")
                stream.write(f"{word}\t{tag}\n")
            stream.write("\n")
    return count


def write_jsonl(
    sentences: Iterable[Sentence],
    target: Path | TextIO,
    probabilities: Iterable[Sequence[float]] | None = None,
    joiner: str = " ",
    words: bool = True,
) -> int:
    """Write an object a line, see `sentence_record`.

    Args:
        sentences: what to write.
        target: a file to make, or an open text stream.
        probabilities: of each sentence's entities, in their order, one sequence a sentence.
        joiner: what stands between words where a sentence has no text of its own; nothing, for characters.
        words: whether to write the words and their offsets too.

    Returns:
        The number of sentences written.

    Raises:
        ValueError: fewer or more probabilities than sentences or entities.
    """
    count = 0
    with _opened(target) as stream:
        pairs = zip(sentences, repeat(None)) if probabilities is None else zip(sentences, probabilities, strict=True)
        for sentence, values in pairs:
            record = sentence_record(sentence, values, joiner=joiner, words=words)
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    return count


def sentence_record(
    sentence: Sentence, probabilities: Sequence[float] | None = None, *, joiner: str = " ", words: bool = True
) -> dict[str, Any]:
    """One sentence as plain containers: text, words and entities, both in words and in characters.

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


@contextmanager
def _opened(target: Path | TextIO) -> Iterator[TextIO]:
    # newline="\n": a carriage return inside a word stays one
    opened = target.open("w", encoding="utf-8", newline="\n") if isinstance(target, Path) else nullcontext(target)
    with opened as stream:
        yield stream
