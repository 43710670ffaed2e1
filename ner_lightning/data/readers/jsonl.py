"""Read JSON lines: a text with entities at character positions, or words with tags, one object per line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.alignment import (
    COUNTINGS,
    Annotation,
    Counting,
    Place,
    count_misfits,
    in_characters,
    lay,
    leave_out_overlaps,
)
from ner_lightning.data.text.annotations import Ends, label_of_number, read_annotations
from ner_lightning.data.text.documents import Document, Reading, TextOptions, document_sentences, tell_counting
from ner_lightning.data.text.json_items import collected, numbered_items, parse_record
from ner_lightning.data.text.json_values import identifier_text, show_value
from ner_lightning.data.text.lines import numbered_lines
from ner_lightning.data.text.positions import may_differ
from ner_lightning.data.text.records import Record, find_value, lay_over_words, read_unknown_words, read_words
from ner_lightning.data.text.tags import read_tags, writing_of
from ner_lightning.data.text.words import SplitRule, split_words
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan, Repair, scheme_named
from ner_lightning.tagging.schemes import REPAIRS

SPANS_KEYS = ("entities", "spans", "label", "labels", "annotations", "ner")
WORDS_KEYS = ("words", "tokens", "tokenized_text")
TAGS_KEYS = ("tags", "ner_tags")
_LOOKED_AT = 100  # records that decide how words are split
_COUNTED = 1000  # records that decide how positions are counted
# Lines in which positions may be counted in several ways, recognised without parsing their JSON.
_AMBIGUOUS = re.compile(r"[\U00010000-\U0010ffff]|\\ud[89ab]|\\r\\n", re.IGNORECASE)


@dataclass(eq=False)
class JsonlReader(TextOptions):
    """A reader of JSON lines as doccano, CLUENER, this project and many others write them, or of one JSON array.

    A record has a text, or `words` (`tokens`), or both. Entities are under `entities`, `spans`, `label`, `labels` or
    `annotations`, in any form that `read_annotations` knows; their positions are characters of the text, or words if a
    record has no text. Records with words may have `tags` (`ner_tags`) instead. A record with neither is not annotated:
    all its words are unknown. `id` and `document` are kept. GLiNER's records (`tokenized_text`, `ner`) and the pairs of
    spaCy 2 (`["text", {"entities": …}]`) are read too. A text without words is one sentence, and positions are counted
    in characters or utf16, whichever cuts fewer words, unless the options say otherwise.

    Args: those of `TextOptions`, and
        text_key: key of the text.
        spans_key: key of the entities; None: the first known key that exists, one with entities before an empty one.
        words_key: key of the words; None: `words`, `tokens` or `tokenized_text`.
        tags_key: key of the tags; None: `tags` or `ner_tags`.
        ends: whether an end is the last position (`inclusive`) or the one after it (`exclusive`); `auto`: inclusive
            only for the forms of CLUENER and GLiNER.
        label_names: entity types, or tags, by number, for files with numbers. None: files have names.
        scheme: tag scheme of records with tags, or `auto`.
        type: entity type of tags that have none (`B`, `I`, `O`).
        repair: what to do if such tags break it.
    """

    text_key: str = "text"
    spans_key: str | None = None
    words_key: str | None = None
    tags_key: str | None = None
    ends: Ends = "auto"
    label_names: Mapping[Any, str] | None = None
    scheme: str = "auto"
    type: str | None = None
    repair: Repair = "conlleval"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option("ends", self.ends, ("auto", "exclusive", "inclusive"))
        check_option("repair", self.repair, REPAIRS)
        if self.label_names is not None:
            self.label_names = {str(key): name for key, name in self.label_names.items()}
        self.words_keys = WORDS_KEYS if self.words_key is None else (self.words_key,)
        self.tags_keys = TAGS_KEYS if self.tags_key is None else (self.tags_key,)
        known = tuple(key for key in SPANS_KEYS if key not in (self.words_key, self.tags_key))
        self.spans_keys = known if self.spans_key is None else (self.spans_key,)
        self.scheme = self.scheme if self.scheme == "auto" else scheme_named(self.scheme).name

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield a sentence for each record with at least one word, or several, and fill the report.

        Raises:
            DataError: no file, no record in it, a line that is no JSON object, a record without text or words, a span
                outside its text or unlike the text the file gives for it, or whatever an option `error` refuses.
        """
        first = list(islice(self._records(path), _LOOKED_AT))
        if not first:
            raise DataError("expected at least one record, found none: the file is empty", path)
        reading = self._reading(path, [record for _, record in first], report)
        if self._has_tags(path, [record for _, record in first]):
            writing = writing_of(self._tag_sequences(path), self.scheme, self.type, path, report)
            reading = reading._replace(writing=writing)
        self._tell_of_other_keys(first, path, report)
        documents = set()
        for line, found in self._records(path):
            record = self._prepared(found, Place(path, line), report)
            if record is None:
                continue
            some = False
            for sentence in self._sentences(record, reading, Place(path, line), report):
                some = True
                if sentence.document and sentence.document not in documents:
                    documents.add(sentence.document)
                    report.documents += 1
                yield report.count(sentence, path, line)
            if not some:
                report.empty_sentences += 1
                report.note("left out: a record without words", path, line, "empty")

    def _prepared(self, record: Record, place: Place, report: ReadReport) -> Record | None:  # noqa: ARG002  (a hook)
        """Return a record as the others are, or None to leave it out; similar formats override this."""
        return record

    def _records(self, path: Path) -> Iterator[tuple[int, Record]]:
        begun = False
        for number, line in numbered_lines(path, self.encoding):
            if not line.strip():
                continue
            if not begun and line.lstrip().startswith("["):
                yield from numbered_items(path, self.encoding)
                return
            begun = True
            for record in collected(parse_record(line, path, number), path, number):
                yield number, record

    def _reading(self, path: Path, first: list[Record], report: ReadReport) -> Reading:
        """Decide how to read: by the options, or by the file if they leave it open."""
        texts = (text for r in first if isinstance(text := r.get(self.text_key), str))
        reading = self.reading_of(texts, sentences="none")._replace(options="positions, ends")
        if self.positions != "auto":
            return reading
        if decided := self._counting(path, reading.words):
            line, counting = decided
            tell_counting(counting, Place(path, line), report)
            return reading._replace(positions=counting)
        return reading._replace(positions=Counting())

    def _counting(self, path: Path, rule: SplitRule) -> tuple[int, Counting] | None:
        """Find a way of counting that cuts fewer words than characters do, and the first line that shows it."""
        costs = dict.fromkeys(COUNTINGS, 0)
        shown: dict[Counting, int] = {}
        for line, record in islice(self._ambiguous(path), _COUNTED):
            text, entities = record.get(self.text_key), self._entities(record)
            if not isinstance(text, str) or not may_differ(text) or entities is None:
                continue
            try:
                annotations = list(read_annotations(entities, self.ends, True, self.label_names))
            except (TypeError, ValueError):
                continue  # reported, with its place, when it is read
            offsets = split_words(text, rule)
            found = {counting: count_misfits(annotations, text, offsets, counting) for counting in COUNTINGS}
            for counting, cost in found.items():
                costs[counting] += cost
                if cost < found[Counting()]:
                    shown.setdefault(counting, line)
        best = min(costs, key=costs.__getitem__)
        return (shown[best], best) if costs[best] < costs[Counting()] else None

    def _ambiguous(self, path: Path) -> Iterator[tuple[int, Record]]:
        for number, line in numbered_lines(path, self.encoding):
            if line.lstrip().startswith("["):
                yield from numbered_items(path, self.encoding)
                return
            if _AMBIGUOUS.search(line):
                yield number, parse_record(line, path, number)

    def _tag_sequences(self, path: Path) -> Iterator[list[str]]:
        for _, record in self._records(path):
            tags = find_value(record, self.tags_keys)
            if isinstance(tags, list):
                with suppress(ValueError):  # told, with its place, when it is read
                    yield self._named(tags)

    def _sentences(self, record: Record, reading: Reading, place: Place, report: ReadReport) -> Iterator[Sentence]:
        try:
            name = f"{place.path.name}:{place.line}" if record.get("id") is None else identifier_text(record["id"])
            document = identifier_text(record.get("document") or "")
            text, given = record.get(self.text_key), find_value(record, self.words_keys)
            if text is not None and not isinstance(text, str):
                raise ValueError(f"expected a text under {self.text_key!r}, found {show_value(text)}")
            if given is not None:
                sentence = self._given(record, given, text, name, document, reading, place, report)
                found = [sentence] if sentence.words else []
            elif text is None:
                keys = ", ".join(record) or "none"
                raise ValueError(
                    f"expected a text under {self.text_key!r} or words under {self.words_keys[0]!r}, found the keys: "
                    f"{keys}; name the one with the text: text_key=KEY, or with a list of words: words_key=KEY"
                )
            else:
                annotations = self._annotations(record, True)
                whole = Document(text, annotations, name, document, place)
                found = list(document_sentences(whole, reading, report))
                if len(found) == 1 and record.get("unknown"):
                    found = [replace(found[0], unknown=read_unknown_words(record))]
        except DataError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise DataError(str(error), place.path, place.line) from None
        yield from found

    def _annotations(self, record: Record, character_keys: bool) -> list[Annotation] | None:
        entities = self._entities(record)
        if entities is None:
            return None
        is_gliner = "tokenized_text" in record and entities is record.get("ner")
        ends: Ends = "inclusive" if self.ends == "auto" and is_gliner else self.ends
        if isinstance(entities, list) and entities and all(isinstance(item, str) for item in entities):
            key = next(key for key in self.spans_keys if record.get(key) is entities)
            raise ValueError(
                f"expected entities under {key!r}, found {show_value(entities)}; if these are tags: tags_key={key}"
            )
        return list(read_annotations(entities, ends, character_keys, self.label_names))

    def _entities(self, record: Record) -> Any:
        """Return the value of the first known key of entities, a filled list before an empty one."""
        found = next((record[key] for key in self.spans_keys if record.get(key) is not None), None)
        return next(iter(self._filled(record).values()), found) if found in ([], {}) else found

    def _filled(self, record: Record) -> dict[str, Any]:
        """Collect the known keys that seem to hold entities."""
        held = {key: record[key] for key in self.spans_keys if isinstance(record.get(key), list | dict)}
        return {key: v for key, v in held.items() if v and (isinstance(v, dict) or isinstance(v[0], list | dict))}

    def _tell_of_other_keys(self, records: list[tuple[int, Record]], path: Path, report: ReadReport) -> None:
        """Note, once per file, that several keys hold entities, of which one is read."""
        for line, record in records:
            filled = self._filled(record)
            if len(filled) > 1 and any(value != next(iter(filled.values())) for value in filled.values()):
                read, *others = filled
                report.note(f"read under {read!r}, not under {', '.join(others)}: spans_key=KEY chooses", path, line)
                return

    def _has_tags(self, path: Path, first: list[Record]) -> bool:
        if any(find_value(record, self.tags_keys) is not None for record in first):
            return True
        words = any(find_value(record, self.words_keys) is not None for record in first)
        return words and next(self._tag_sequences(path), None) is not None

    def _named(self, tags: list[Any]) -> list[str]:
        """Convert tags to names, if the file has numbers and the options name them."""
        found = [label_of_number(tag, self.label_names) if type(tag) is int else tag for tag in tags]
        if not all(isinstance(tag, str) for tag in found):
            raise ValueError(f"expected tag names, found {show_value(tags)}")
        return found

    def _given(
        self,
        record: Record,
        given: Any,
        text: str | None,
        name: str,
        document: str,
        reading: Reading,
        place: Place,
        report: ReadReport,
    ) -> Sentence:
        """Make the sentence of a record that has its own words."""
        words, offsets = read_words(record, given, text)
        unknown = read_unknown_words(record)
        spans: tuple[EntitySpan, ...] = ()
        tags = find_value(record, self.tags_keys)
        annotations = None if tags is not None else self._annotations(record, character_keys=text is not None)
        if tags is not None:
            if not isinstance(tags, list) or len(tags) != len(words):
                raise ValueError(f"expected a tag name for each of the {len(words)} words, found {show_value(tags)}")
            if tags:
                lines = [place.line] * len(tags)
                spans = read_tags(self._named(tags), lines, reading.writing, self.repair, place.path, report)
        elif annotations is None:
            unknown = tuple(range(len(words)))
        elif text is None or offsets is None:
            spans = leave_out_overlaps(lay_over_words(annotations, len(words)), words, reading.policy, place, report)
        else:
            found, _ = in_characters(
                annotations, text, reading.positions, place, reading.options, reading.surface, report
            )
            spans = lay(found, text, offsets, reading.policy, place, report)
        return Sentence(words, spans, unknown, name, document, text, offsets)
