"""Write the JSON of annotation tools: doccano, Prodigy, Label Studio, and the layout of CLUENER."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.positions import position_counter
from ner_lightning.data.writers.writer import WriteReport, is_unannotated, mentions, opened

Record = dict[str, Any]


class DoccanoWriter:
    """A writer of doccano's JSON lines, `{"text": …, "label": [[start, end, type], …]}`, to import as JSONL.

    Words are not kept. A sentence nobody annotated has no `label`.

    Args:
        positions: `characters` (code points), or `utf16` as doccano itself counts, which differs after emoji.
    """

    whole_documents = True

    def __init__(self, positions: Literal["characters", "utf16"] = "characters") -> None:
        check_option("positions", positions, ("characters", "utf16"))
        self.positions = positions

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file."""
        return _write_lines(sentences, target, self._record)

    def _record(self, sentence: Sentence) -> Record:
        record = _names(sentence) | {"text": sentence.text}
        if not is_unannotated(sentence):
            count = position_counter(sentence.text or "", self.positions)
            record["label"] = [[count(m.start), count(m.end), m.label] for m in mentions(sentence)]
        return record


class ProdigyWriter:
    """A writer of Prodigy's JSON lines, with tokens and the answer `accept`; unannotated ones have no spans."""

    whole_documents = True

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file."""
        return _write_lines(sentences, target, _prodigy_record)


class CluenerWriter:
    """A writer of CLUENER's layout, `{"text": …, "label": {type: {surface: [[start, last], …]}}}`, ends inclusive.

    Words, ids and documents are not kept. A sentence nobody annotated has no `label`, as in its test file.
    """

    whole_documents = False

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file."""
        return _write_lines(sentences, target, _cluener_record)


class LabelStudioWriter:
    """A writer of Label Studio's JSON, an array of tasks, to import into a project with `Labels` over a `Text`.

    Words are not kept. A sentence nobody annotated is a task without annotations.

    Args:
        labels_name: `name` of the `Labels` tag in the labelling configuration.
        text_name: `name` of its `Text` tag.
    """

    whole_documents = True

    def __init__(self, labels_name: str = "label", text_name: str = "text") -> None:
        self.labels_name = labels_name
        self.text_name = text_name

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file."""
        written = WriteReport()
        with opened(target) as stream:
            stream.write("[")
            for number, record in enumerate(_records(sentences, self._record, written)):
                stream.write(",\n" if number else "\n")
                stream.write(json.dumps(record, ensure_ascii=False))
            stream.write("\n]\n")
        return written

    def _record(self, sentence: Sentence) -> Record:
        data = {"text": sentence.text} | ({"name": sentence.id} if sentence.id else {})
        if sentence.document:
            data["document"] = sentence.document
        result = [
            {
                "id": f"e{number}",
                "from_name": self.labels_name,
                "to_name": self.text_name,
                "type": "labels",
                "value": {"start": m.start, "end": m.end, "text": m.surface, "labels": [m.label]},
            }
            for number, m in enumerate(mentions(sentence))
        ]
        return {"data": data, "annotations": [] if is_unannotated(sentence) else [{"result": result}]}


def _write_lines(sentences: Iterable[Sentence], target: Path, record_of: Callable[[Sentence], Record]) -> WriteReport:
    written = WriteReport()
    with opened(target) as stream:
        for record in _records(sentences, record_of, written):
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    return written


def _records(
    sentences: Iterable[Sentence], record_of: Callable[[Sentence], Record], written: WriteReport
) -> Iterator[Record]:
    for sentence in sentences:
        written.count(sentence)
        written.unknown_lost += 0 if is_unannotated(sentence) else len(sentence.unknown)
        yield record_of(sentence)


def _names(sentence: Sentence) -> Record:
    named = {"id": sentence.id, "document": sentence.document}
    return {key: value for key, value in named.items() if value}


def _prodigy_record(sentence: Sentence) -> Record:
    text, offsets = sentence.text or "", sentence.offsets or ()
    ends = [*(start for start, _ in offsets[1:]), len(text)]
    record: Record = {"text": text}
    record["tokens"] = [
        {"text": text[start:end], "start": start, "end": end, "id": number, "ws": text[end:following].startswith(" ")}
        for number, ((start, end), following) in enumerate(zip(offsets, ends, strict=True))
    ]
    if not is_unannotated(sentence):
        record["spans"] = [
            {"start": m.start, "end": m.end, "token_start": s.start, "token_end": s.end - 1, "label": m.label}
            for m, s in zip(mentions(sentence), sentence.spans, strict=True)
        ]
        record["answer"] = "accept"
    if meta := _names(sentence):
        record["meta"] = meta
    return record


def _cluener_record(sentence: Sentence) -> Record:
    record: Record = {"text": sentence.text}
    if not is_unannotated(sentence):
        label: dict[str, dict[str, list[list[int]]]] = {}
        for m in mentions(sentence):
            label.setdefault(m.label, {}).setdefault(m.surface, []).append([m.start, m.end - 1])
        record["label"] = label
    return record
