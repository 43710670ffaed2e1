"""Read spaCy's DocBin files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.alignment import Place, Policy, leave_out_overlaps
from ner_lightning.data.text.sentence_splitting import SENTENCE_RULES, SentenceRule, split_sentences
from ner_lightning.data.text.words import OVERLAPS, Overlap, split_words
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan

_MISSING = 0  # token.ent_iob: not known whether it is an entity


class SpacyReader:
    """A reader of `.spacy` files, with spaCy's tokens as words; the file is in memory as a whole.

    Tokens of white space only are no words. A token with a missing annotation (`-` in spaCy) is unknown. Needs the
    extra `spacy`.

    Args:
        spans_key: name of a span group (`sc`) whose spans are read; None: the entities, `doc.ents`.
        sentences: where a document is split: `punctuation`, `lines` or `none`, see `split_sentences`; `auto`: where
            spaCy says so, otherwise by punctuation. Never inside an entity.
        overlap: which of overlapping spans of a group stays: `first`, `longest`, `error`.
    """

    reads_documents = True

    def __init__(
        self,
        spans_key: str | None = None,
        sentences: SentenceRule | Literal["auto"] = "auto",
        overlap: Overlap = "first",
    ) -> None:
        check_option("sentences", sentences, ("auto", *SENTENCE_RULES))
        check_option("overlap", overlap, OVERLAPS)
        self.spans_key = spans_key
        self.sentences = sentences
        self.overlap = overlap

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of each document and fill the report.

        Raises:
            DataError: spaCy is not installed, the file is no DocBin, has no document, or not the span group; spans
                overlap, and `overlap` is `error`.
        """
        number = 0
        for number, doc in enumerate(_documents(path), 1):
            report.documents += 1
            some = False
            for sentence in self._sentences(doc, Place(path, number), report):
                some = True
                yield report.count(sentence, path, number)
            if not some:
                report.empty_sentences += 1
                report.note("left out: a document without words", path, number, "empty")
        if not number:
            raise DataError("expected at least one document, found none", path)

    def _sentences(self, doc: Any, place: Place, report: ReadReport) -> Iterator[Sentence]:
        text = doc.text
        gaps = doc.user_data.get("no_words")
        tokens = [t for t in doc if (split_words(t.text, "whitespace") if gaps is None else t.i not in gaps)]
        starts = [token.idx for token in tokens]
        index = {token.i: position for position, token in enumerate(tokens)}
        spans = []
        for span in self._spans(doc, place):
            inside = [index[token.i] for token in span if token.i in index]
            if inside:
                spans.append(EntitySpan(inside[0], inside[-1] + 1, span.label_))
        kept = leave_out_overlaps(
            list(dict.fromkeys(spans)), [t.text for t in tokens], Policy(overlap=self.overlap), place, report
        )
        unknown = [i for i, t in enumerate(tokens) if t.ent_iob == _MISSING] if self.spans_key is None else []
        document = str(doc.user_data.get("document", f"{place.path.name}:{place.line}"))
        name = str(doc.user_data.get("id") or f"{place.path.name}:{place.line}")
        ends = [start + len(token.text) for start, token in zip(starts, tokens, strict=True)]
        pieces = self._pieces(doc, [(starts[s.start], ends[s.end - 1]) for s in kept])
        for low, high in pieces:
            words = [i for i, start in enumerate(starts) if low <= start < high]
            if not words:
                continue
            first, last = words[0], words[-1] + 1
            whole = len(pieces) == 1
            begin, end = (0, len(text)) if whole else (starts[first], ends[last - 1])
            yield Sentence(
                tuple(token.text for token in tokens[first:last]),
                tuple(EntitySpan(s.start - first, s.end - first, s.label) for s in kept if first <= s.start < last),
                tuple(i - first for i in unknown if first <= i < last),
                name if whole else f"{name}:{begin}",
                document,
                text[begin:end],
                tuple((starts[i] - begin, ends[i] - begin) for i in words),
            )

    def _spans(self, doc: Any, place: Place) -> Any:
        if self.spans_key is None:
            return doc.ents
        if self.spans_key not in doc.spans:
            found = ", ".join(doc.spans) or "none"
            raise DataError(f"expected the span group {self.spans_key!r}, found {found}; see spans_key", *place)
        return doc.spans[self.spans_key]

    def _pieces(self, doc: Any, entities: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        if self.sentences != "auto":
            return split_sentences(doc.text, self.sentences, entities)
        if not doc.has_annotation("SENT_START"):
            return split_sentences(doc.text, "punctuation", entities)
        cuts = [sentence.start_char for sentence in doc.sents if sentence.start_char]
        kept = [0, *(cut for cut in cuts if not any(start < cut < end for start, end in entities)), len(doc.text)]
        return tuple(pairwise(kept))


def _documents(path: Path) -> Iterator[Any]:
    try:
        from spacy.tokens import DocBin
        from spacy.vocab import Vocab
    except ImportError:
        raise DataError("reading a .spacy file needs spaCy: pip install 'ner-lightning[spacy]'", path) from None
    if not path.is_file():
        raise DataError(
            f"expected a readable file, found {'a folder' if path.is_dir() else 'none'}; check the path", path
        )
    # Whatever the library raises for a foreign file: errors of zlib, msgpack and its own.
    try:
        yield from DocBin().from_disk(path).get_docs(Vocab())
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise DataError(
            f"expected a DocBin of spaCy, could load none ({type(error).__name__}: {reason}); write it with "
            "DocBin(docs=docs).to_disk(FILE)",
            path,
        ) from None
