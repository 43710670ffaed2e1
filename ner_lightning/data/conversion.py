"""Convert one file to another, completely or not at all, with a report of everything that did not fit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rich.table import Table

from ner_lightning.data.read_report import Problem, ReadReport, SentenceLimit, report_to_dict
from ner_lightning.data.readers.by_ending import ReaderByEnding
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.writers.by_ending import WriterByEnding
from ner_lightning.data.writers.spacy import SpacyWriter
from ner_lightning.data.writers.writer import Writer, WriteReport, with_texts
from ner_lightning.errors import UserError
from ner_lightning.storage.atomic import draft, writing
from ner_lightning.storage.outputs import STANDARD, check_outputs, explain_os_errors
from ner_lightning.storage.streams import is_stream

_SHOWN = 10  # problems in the terminal
_COUNTS = (
    "sentences", "words", "entities", "documents", "repaired", "misaligned", "overlapping", "nested", "discontinuous",
    "rejected", "empty_sentences", "unknown_words",
)  # fmt: skip
_ALWAYS = ("sentences", "words", "entities")
# All that a folder of brat holds; no other folder is ever replaced.
_BRAT = (".txt", ".ann", ".conf")


@dataclass
class Converted:
    """The result of a conversion.

    Attributes:
        source: name of the input.
        target: name of the output; None: nothing was written.
        report: the report of reading.
        written: the report of writing, with losses.
    """

    source: str
    target: str | None
    report: ReadReport
    written: WriteReport | None

    def remarks(self) -> list[str]:
        """List the first problems, and what the output format could not keep."""
        problems, lines = self.report.problems, []
        lines += [f"  {problem}" for problem in problems[:_SHOWN]]
        if more := len(problems) + self.report.unlisted - _SHOWN:
            lines += [f"  and {more} more; problems=FILE lists them all"] if more > 0 else []
        if self.written and self.written.unknown_lost:
            lines.append(
                f"  {self.written.unknown_lost} words nobody annotated are now outside of entities: "
                "this format has no place for them (jsonl, conll and spacy have)"
            )
        return lines

    def to_json(self) -> dict[str, Any]:
        """Convert the whole to plain containers."""
        written = None if self.written is None else vars(self.written)
        read = {**report_to_dict(self.report), "problems": list(map(str, self.report.problems))}
        return {"input": self.source, "output": self.target, "read": read, "written": written}


@dataclass
class _WholeReport(ReadReport):
    """A report that keeps every problem, however many there are."""

    stream: TextIO | None = field(default=None, repr=False, compare=False)

    def list_problem(self, problem: Problem) -> None:
        super().list_problem(problem)
        if self.stream is not None:
            values = {name: value for name, value in problem._asdict().items() if name != "step"}
            self.stream.write(json.dumps(values, ensure_ascii=False) + "\n")


def convert_file(
    reader: Reader,
    writer: Writer,
    source: str,
    target: str | None,
    *,
    force: bool = False,
    report_file: str | None = None,
    problems_file: str | None = None,
    longest_sentence: int | None = 1_000_000,
) -> Converted:
    """Read a file and write it in another format.

    A target appears when it is complete, or not at all. Documents stay whole if the format can represent them, unless
    the reader is told to split them.

    Args:
        reader: of the source.
        writer: of the target.
        source: a file or folder.
        target: a file or folder to make; None: only read.
        force: whether an existing target is replaced.
        report_file: for the report as JSON: a file, or `-` for standard output.
        problems_file: for every problem as a JSON line: a file, or `-`.
        longest_sentence: number of words in a sentence, at most; None: any number.

    Raises:
        UserError: a file cannot be read or written, or exists already and `force` is not set.
    """
    path, goal = Path(source).expanduser(), None if target is None else Path(target).expanduser()
    if source == "-":
        raise UserError("input=-: a format is told by a name; write input=FILE.")
    outputs = {"output": target, "report": report_file, "problems": problems_file}
    check_outputs(outputs, {"input": source})
    for key, name in outputs.items():
        if name not in (None, STANDARD):
            _check_free(key, Path(str(name)).expanduser(), path, force)
    if isinstance(reader, ReaderByEnding):
        reader = reader.chosen(path)
    if goal is not None and isinstance(writer, WriterByEnding):
        writer = writer.chosen(goal)
    if goal is not None and writer.whole_documents:
        _keep_whole(reader, writer)
    with _stream("report", report_file) as report_stream, _stream("problems", problems_file) as stream:
        limit = SentenceLimit(longest_sentence, "longest_sentence")
        report = _WholeReport(limit=limit, reader=type(reader).__name__, stream=stream)
        sentences = reader.read(path, report)
        if goal is None:
            for _ in sentences:
                pass
            written = None
        else:
            with explain_os_errors("output", goal), draft(goal) as path_of_draft:
                written = _written(writer, with_texts(sentences), path_of_draft, goal)
        report.stream = None
        converted = Converted(source, target, report, written)
        if report_stream is not None:
            report_stream.write(json.dumps(converted.to_json(), ensure_ascii=False, indent=1) + "\n")
    return converted


def conversion_table(converted: Converted) -> Table:
    """Lay out the nonzero counts of what was read, and the counts of what was written."""
    report, written = converted.report, converted.written
    shown = [name for name in _COUNTS if name in _ALWAYS or getattr(report, name)]
    found = Table(title=f"{converted.source} → {converted.target or 'nothing'}")
    found.add_column("")
    for name in shown:
        found.add_column(name.replace("_", " "), justify="right")
    found.add_row("read", *(f"{getattr(report, name):,}" for name in shown))
    if written is not None:
        found.add_row("written", *(f"{getattr(written, n):,}" if n in _ALWAYS else "" for n in shown))
    return found


def _keep_whole(reader: Reader, writer: Writer) -> None:
    """Leave documents undivided, unless the user said how to split them."""
    if getattr(reader, "reads_documents", False) and getattr(reader, "sentences", None) == "auto":
        reader.sentences = "none"  # type: ignore[attr-defined]
        if isinstance(writer, SpacyWriter):
            writer.sentences = False


def _written(writer: Writer, sentences: Iterator[Any], draft: Path, goal: Path) -> WriteReport:
    try:
        return writer.write(sentences, draft)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"output={goal}: {error}.") from error


def _check_free(key: str, goal: Path, source: Path, force: bool) -> None:
    """Refuse to replace existing files unless forced, and never the source or a folder of other things."""
    if not goal.exists() or is_stream(goal):
        return
    if not force:
        raise UserError(f"{key}={goal}: is there already; name another, or write force=true to replace it.")
    if goal.is_dir():
        strange = next((f for f in sorted(goal.rglob("*")) if f.is_file() and f.suffix not in _BRAT), None)
        if strange is not None or key != "output" or source.resolve().is_relative_to(goal.resolve()):
            found = "the input" if strange is None else strange.name
            raise UserError(f"{key}={goal}: a folder that holds {found} is not replaced; name another.")


@contextmanager
def _stream(key: str, name: str | None) -> Iterator[TextIO | None]:
    if name is None:
        yield None
    elif name == STANDARD:
        yield sys.stdout
    else:
        with explain_os_errors(key, name), writing(Path(name).expanduser()) as stream:
            yield stream
