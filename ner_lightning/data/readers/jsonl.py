"""JSON lines: a text with entities at character positions, or words with tags, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ner_lightning.data.readers.annotations import Ends, read_annotations
from ner_lightning.data.readers.lines import numbered_lines
from ner_lightning.data.readers.options import check_option
from ner_lightning.data.readers.tags import read_tags
from ner_lightning.data.report import DataError, ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.words import (
    OVERLAPS,
    SPLIT_RULES,
    Offsets,
    Overlap,
    SplitRule,
    cover,
    has_spaces,
    locate_words,
    split_words,
    without_overlaps,
)
from ner_lightning.tagging import EntitySpan, Repair, detect_scheme, scheme_named
from ner_lightning.tagging.schemes import REPAIRS

SPANS_KEYS = ("entities", "spans", "label", "labels")
WORDS_KEYS = ("words", "tokens")
TAGS_KEYS = ("tags", "ner_tags")
_LOOKED_AT = 100  # records that decide how words are split

Record = dict[str, Any]


class JsonlReader:
    """JSON lines as doccano, CLUENER, this project and many others write them.

    A record has a text, or `words` (`tokens`), or both. Entities stand under `entities`, `spans`, `label` or `labels`,
    in any form `read_annotations` knows; their positions are characters of the text, or words where a record has no
    text. Records with words may have `tags` (`ner_tags`) instead. A record with neither is not annotated: all its words
    are unknown. `id` and `document` are taken over.

    Args:
        text_key: where the text stands.
        spans_key: where the entities stand; None: under the first known key that is there.
        ends: whether an end is the last position (`inclusive`) or the one after it (`exclusive`); `auto`: inclusive for
            CLUENER's form only.
        words: how a text becomes words, see `split_words`: `whitespace`, `punctuation` or `characters`. `auto`:
            characters if the first records are in a script without spaces, otherwise `punctuation`.
        misaligned: what to do with a span that has an edge inside a word: `snap` widens it to whole words, `drop`
            leaves it out, `error` refuses. All are counted. A span of nothing but whitespace is dropped.
        overlap: which of overlapping spans stays, `first` or `longest`, or `error`; the others are counted.
        scheme: tag scheme of records with tags, or `auto`.
        repair: what to do where such tags break it.
        encoding: of the file.
    """

    def __init__(
        self,
        text_key: str = "text",
        spans_key: str | None = None,
        ends: Ends = "auto",
        words: SplitRule | Literal["auto"] = "auto",
        misaligned: Literal["snap", "drop", "error"] = "snap",
        overlap: Overlap = "first",
        scheme: str = "auto",
        repair: Repair = "conlleval",
        encoding: str = "utf-8",
    ) -> None:
        check_option("ends", ends, ("auto", "exclusive", "inclusive"))
        check_option("words", words, ("auto", *SPLIT_RULES))
        check_option("misaligned", misaligned, ("snap", "drop", "error"))
        check_option("overlap", overlap, OVERLAPS)
        check_option("repair", repair, REPAIRS)
        self.text_key = text_key
        self.spans_keys = SPANS_KEYS if spans_key is None else (spans_key,)
        self.ends = ends
        self.words = words
        self.misaligned = misaligned
        self.overlap = overlap
        self.scheme = scheme if scheme == "auto" else scheme_named(scheme).name
        self.repair = repair
        self.encoding = encoding

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield a sentence for each record with at least one word and fill the report.

        Raises:
            DataError: no file, no record in it, a line that is no JSON object, a record without text or words, a span
                outside its text or unlike the text the file gives for it, or whatever an option `error` refuses.
        """
        first = list(islice(self._records(path), _LOOKED_AT))
        if not first:
            raise DataError("expected at least one record, found none: the file is empty", path)
        rule = self._rule(first)
        if any(_value(record, TAGS_KEYS) is not None for _, record in first):
            report.scheme = self.scheme
            if self.scheme == "auto":
                report.scheme = detect_scheme(self._tag_sequences(path))
        documents = set()
        for line, record in self._records(path):
            sentence = self._sentence(record, rule, path, line, report)
            if sentence.document and sentence.document not in documents:
                documents.add(sentence.document)
                report.documents += 1
            if sentence.words:
                yield report.count(sentence)
            else:
                report.empty_sentences += 1
                report.note("left out: a record without words", path, line)

    def _records(self, path: Path) -> Iterator[tuple[int, Record]]:
        for number, line in numbered_lines(path, self.encoding):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                raise DataError(
                    f"expected a JSON object a line, found: {error} in {line[:60]!r}", path, number
                ) from None
            if not isinstance(record, dict):
                kind = type(record).__name__
                remedy = "; for one JSON array: jq -c '.[]'" if isinstance(record, list) else ""
                raise DataError(f"expected a JSON object a line, found a {kind}{remedy}", path, number)
            yield number, record

    def _rule(self, records: list[tuple[int, Record]]) -> SplitRule:
        if self.words != "auto":
            return self.words
        texts = (text for _, record in records if isinstance(text := record.get(self.text_key), str))
        return "punctuation" if has_spaces(texts) else "characters"

    def _tag_sequences(self, path: Path) -> Iterator[list[str]]:
        for _, record in self._records(path):
            tags = _value(record, TAGS_KEYS)
            if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
                yield tags

    def _sentence(self, record: Record, rule: SplitRule, path: Path, line: int, report: ReadReport) -> Sentence:
        try:
            text, words, offsets = self._words(record, rule)
            unknown: tuple[int, ...] = tuple(record.get("unknown") or ())
            spans: tuple[EntitySpan, ...] = ()
            tags, entities = _value(record, TAGS_KEYS), _value(record, self.spans_keys)
            if tags is not None and _value(record, WORDS_KEYS) is not None:
                if not isinstance(tags, list) or len(tags) != len(words) or not all(isinstance(t, str) for t in tags):
                    raise ValueError(f"expected a tag name for each of the {len(words)} words, found {str(tags)[:60]}")
                spans = read_tags(tags, [line] * len(tags), report.scheme, self.repair, path, report) if tags else ()
            elif entities is not None:
                found = self._aligned(entities, text, words, offsets, path, line, report)
                spans, left_out = without_overlaps(found, self.overlap)
                report.overlapping += len(left_out)
                for span in left_out:
                    report.note(f"left out: {span} overlaps another ({self.overlap})", path, line)
            else:
                unknown = tuple(range(len(words)))
            name = record.get("id")
            return Sentence(
                words,
                spans,
                unknown,
                f"{path.name}:{line}" if name is None else str(name),
                str(record.get("document") or ""),
                text,
                offsets,
            )
        except DataError:
            raise
        except (TypeError, ValueError) as error:
            raise DataError(str(error), path, line) from None

    def _words(self, record: Record, rule: SplitRule) -> tuple[str | None, tuple[str, ...], Offsets | None]:
        """The text, if any, its words, and where they are in it."""
        text, given = record.get(self.text_key), _value(record, WORDS_KEYS)
        words: tuple[str, ...]
        offsets: Offsets | None = None
        if text is None and given is None:
            keys = ", ".join(record) or "none"
            raise ValueError(f"expected a text under {self.text_key!r} or words under 'words', found the keys: {keys}")
        if text is not None and not isinstance(text, str):
            raise ValueError(f"expected a text under {self.text_key!r}, found {str(text)[:60]}")
        if given is None:
            assert text is not None
            offsets = split_words(text, rule)
            words = tuple(text[start:end] for start, end in offsets)
        else:
            items: list[Any] = [item.get("text") if isinstance(item, dict) else item for item in given]
            if not all(isinstance(word, str) for word in items):
                raise ValueError(f"expected a list of words, found {str(given)[:60]}")
            words = tuple(items)
            if text is not None:
                offsets = _given_offsets(record, words, text) or locate_words(words, text)
                if offsets is None:
                    raise ValueError(f"expected the words to be those of the text, found {str(words)[:60]}")
        "".join(words).encode()  # a lone surrogate, which no tokenizer takes, is a ValueError
        return text, words, offsets

    def _aligned(
        self,
        entities: Any,
        text: str | None,
        words: tuple[str, ...],
        offsets: Offsets | None,
        path: Path,
        line: int,
        report: ReadReport,
    ) -> Iterator[EntitySpan]:
        """Lay the annotated spans over words; each only once."""
        size, unit = (len(words), "words") if text is None else (len(text), "characters of the text")
        for found in dict.fromkeys(read_annotations(entities, self.ends, character_keys=text is not None)):
            start, end, label, surface = found
            if not 0 <= start < end <= size:
                raise ValueError(f"expected a span inside the {size} {unit}, found [{start}, {end}) {label}")
            if text is None or offsets is None:
                yield EntitySpan(start, end, label)
                continue
            if surface is not None and surface.strip() != text[start:end].strip():
                raise ValueError(
                    f"expected {surface!r} at [{start}, {end}), found {text[start:end]!r}; is ends={self.ends} right?"
                )
            covered = cover(start, end, offsets)
            if covered is None or not covered[2]:
                where = "inside a word" if covered else "around no word"
                problem = f"{label} [{start}, {end}) {text[start:end]!r} lies {where} ({self.misaligned})"
                if self.misaligned == "error":
                    raise ValueError(f"expected a span of whole words; {problem}")
                report.misaligned += 1
                report.note(problem, path, line)
                if covered is None or self.misaligned == "drop":
                    continue
            yield EntitySpan(covered[0], covered[1], label)


def _value(record: Record, keys: tuple[str, ...]) -> Any:
    return next((record[key] for key in keys if record.get(key) is not None), None)


def _given_offsets(record: Record, words: tuple[str, ...], text: str) -> Offsets | None:
    """Where the record says its words are, if it says so."""
    items = _value(record, WORDS_KEYS)
    pairs = record.get("offsets") or [(w.get("start"), w.get("end")) for w in items if isinstance(w, dict)]
    offsets = tuple((start, end) for start, end in pairs)
    if not offsets or None in offsets[0]:
        return None
    if [text[start:end] for start, end in offsets] != list(words):
        raise ValueError("expected the offsets to be those of the words, found others")
    return offsets
