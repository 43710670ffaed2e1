"""Report what reading a file found, and where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ner_lightning.data.doubts import check_label, half_character
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError

LISTED_PROBLEMS = 1000

ProblemKind = Literal["misaligned", "overlapping", "nested", "discontinuous", "repaired", "empty", "rejected", "other"]


class ForbiddenStep(NamedTuple):
    """A step from one tag to the next that the scheme of a file forbids.

    Attributes:
        scheme: of the file.
        before: the tag before it, or `the start`.
        after: the tag after it, or `the end`.
        repair: how it was repaired, an option of the reader.

    >>> str(ForbiddenStep("IOB2", "O", "I-LOC", "conlleval"))
    'the scheme IOB2 forbids I-LOC after O (conlleval)'
    """

    scheme: str
    before: str
    after: str
    repair: str

    def __str__(self) -> str:
        return f"the scheme {self.scheme} forbids {self.after} after {self.before} ({self.repair})"


class Problem(NamedTuple):
    """Something wrong in a file that was dealt with.

    Attributes:
        kind: the counter of the report it belongs to.
        path: the file.
        line: number of the line, row or record, from 1.
        what: what was found and what was done.
        text: the annotated words, if it is about an annotation.
        step: the repaired step, if it is about tags.

    >>> str(Problem("nested", "a.ann", 3, "left out: LOC 'York' nested in ORG 'New York Times'", "York"))
    "a.ann:3: left out: LOC 'York' nested in ORG 'New York Times'"
    """

    kind: ProblemKind
    path: str
    line: int
    what: str
    text: str = ""
    step: ForbiddenStep | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class SentenceLimit(NamedTuple):
    """How long a sentence may be: a file without ends of sentences, or one made for it, would fill the memory.

    Attributes:
        words: at most; None: any number.
        key: of the configuration that says so, for the message.
    """

    words: int | None = 1_000_000
    key: str = "data.longest_sentence"


USUAL_LIMIT = SentenceLimit()


@dataclass
class ReadReport:
    """Counters that a reader fills while its sentences are drawn; complete after the last one.

    Attributes:
        sentences: sentences yielded.
        words: words in them (characters for Chinese without word boundaries).
        entities: entities in them.
        types: entities by type.
        documents: documents; 0 if the file does not mark them.
        scheme: tag scheme found or given, empty for a file with spans.
        repaired: places where the tags break the scheme.
        empty_sentences: lines or records without a word, left out.
        misaligned: character spans with an edge inside a word, or without any word.
        overlapping: spans left out because they overlap one that was kept, and neither contains the other.
        nested: spans left out because they are inside one that was kept.
        discontinuous: spans of several pieces, made one or left out.
        rejected: records that their annotator refused or left open, left out.
        unknown_words: words nobody annotated.
        problems: one for each thing counted above that was changed or left out, the first 1000.
        unlisted: number of problems beyond those.
        limit: how long a sentence may be; asked of the reader, and nothing it found.
        reader: name of its class, for messages.
    """

    sentences: int = 0
    words: int = 0
    entities: int = 0
    types: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    scheme: str = ""
    repaired: int = 0
    empty_sentences: int = 0
    misaligned: int = 0
    overlapping: int = 0
    nested: int = 0
    discontinuous: int = 0
    rejected: int = 0
    unknown_words: int = 0
    problems: list[Problem] = field(default_factory=list)
    unlisted: int = 0
    limit: SentenceLimit = field(default=USUAL_LIMIT, repr=False, compare=False)
    reader: str = field(default="the reader", repr=False, compare=False)

    def count(self, sentence: Sentence, path: Path | str | None = None, line: int | None = None) -> Sentence:
        """Count a sentence and return it, after checking it for what no format should contain.

        Args:
            sentence: the next one of a file.
            path: the file, for messages.
            line: where the sentence begins.

        Raises:
            DataError: no word, an empty word, an impossible entity type, half a character, or more words than a
                sentence may have.

        >>> report = ReadReport()
        >>> report.count(Sentence(("Paris",))).words, report.words
        (('Paris',), 1)
        """
        self._check_words(sentence, path, line)
        self.check_length(len(sentence.words), path or sentence.id, line)
        self.sentences += 1
        self.words += len(sentence.words)
        self.entities += len(sentence.spans)
        self.unknown_words += len(sentence.unknown)
        for span in sentence.spans:
            if span.label not in self.types:
                self._check_label(span.label, sentence, path, line)
            self.types[span.label] += 1
        self._look_at(sentence, path, line)
        return sentence

    def check_length(self, words: int, path: Path | str, line: int | None) -> None:
        """Refuse a sentence that is too long; readers that gather its words one by one ask while they do.

        Args:
            words: how many there are.
            path: the file.
            line: where the sentence begins.

        Raises:
            DataError: they are too many.
        """
        longest, key = self.limit
        if longest is not None and words > longest:
            raise DataError(
                f"expected a sentence of at most {longest:,} words, found one that goes on; end sentences (in columns "
                f"with an empty line), or allow more: {key}=NUMBER, or null for any",
                path,
                line,
            )

    def _check_words(self, sentence: Sentence, path: Path | str | None, line: int | None) -> None:
        """Refuse a sentence that a reader should have left out: nothing after it could say where it came from."""
        if sentence.words and "" not in sentence.words:
            return
        found = f"word {sentence.words.index('') + 1} is empty" if sentence.words else "it has no words"
        raise DataError(
            f"{self.reader} yields the sentence {sentence.id!r}, but {found}; a reader must leave such a sentence out, "
            "or raise a DataError with file and line",
            path,
            line,
        )

    def _check_label(self, label: str, sentence: Sentence, path: Path | str | None, line: int | None) -> None:
        try:
            check_label(label)
        except ValueError as error:
            where = "" if line is not None else f" (sentence {sentence.id})"
            raise DataError(f"{error}{where}; correct it in the file", path, line) from None

    def _look_at(self, sentence: Sentence, path: Path | str | None, line: int | None) -> None:
        """Refuse lone surrogates, which come from JSON and from file names; note byte order marks."""
        named = {"id": sentence.id, "name of the document": sentence.document, "words": "".join(sentence.words)}
        for what, text in named.items():
            if half := half_character(text):
                raise DataError(
                    f"expected whole characters in the {what}, found half of one ({half}) in {text[:60]!r}; write it, "
                    "or the name of the file, in UTF-8",
                    path,
                    line,
                )
        if sentence.words and sentence.words[0][:1] == "\ufeff" and len(sentence.words[0]) > 1:
            self.note(
                f"the word {sentence.words[0]!r} begins with a byte order mark: files were put together; it stays",
                path or sentence.id,
                line or 0,
            )

    def add(self, other: ReadReport) -> None:
        """Add the report of a further file.

        >>> report, other = ReadReport(sentences=2), ReadReport(sentences=1, types=Counter(PER=1))
        >>> report.add(other)
        >>> report.sentences, report.types
        (3, Counter({'PER': 1}))
        """
        for name, value in report_to_dict(other).items():
            if isinstance(value, int):
                setattr(self, name, getattr(self, name) + value)
        self.types += other.types
        room = LISTED_PROBLEMS - len(self.problems)
        self.problems += other.problems[:room]
        self.unlisted += len(other.problems[room:])

    def note(self, what: str, path: Path | str, line: int, kind: ProblemKind = "other", text: str = "") -> None:
        """List a problem that was dealt with; the reader itself sets the counters."""
        self.list_problem(Problem(kind, str(path), line, what, text))

    def list_problem(self, problem: Problem) -> None:
        """Keep a problem, or only count it if there are many; a subclass may write it down."""
        if len(self.problems) < LISTED_PROBLEMS:
            self.problems.append(problem)
        else:
            self.unlisted += 1


def report_to_dict(report: ReadReport) -> dict[str, Any]:
    """Convert a report to plain containers."""
    values = {each.name: getattr(report, each.name) for each in fields(ReadReport) if each.compare}
    return {**values, "types": dict(report.types)}


def report_from_dict(values: dict[str, Any]) -> ReadReport:
    """Rebuild the report from what `report_to_dict` returned.

    >>> report = ReadReport(sentences=1, types=Counter(PER=1))
    >>> report_from_dict(report_to_dict(report)) == report
    True
    """
    problems = [Problem._make([*row[:-1], row[-1] and ForbiddenStep(*row[-1])]) for row in values["problems"]]
    return ReadReport(**{**values, "types": Counter(values["types"]), "problems": problems})
