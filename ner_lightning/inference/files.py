"""Tagging files: any size, three formats in, two out."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import tee
from pathlib import Path
from typing import NamedTuple, TextIO

from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader
from ner_lightning.data.readers.plain import PlainTextReader
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.report import ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers import write_conll, write_jsonl
from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import SPLIT_RULES, Tagger

ENDINGS = {
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".conll": "conll",
    ".iob2": "conll",
    ".bio": "conll",
    ".bmes": "conll",
    ".txt": "text",
    "": "text",
}
"""Formats by ending; `-`, a pipe, has none."""


class Done(NamedTuple):
    """What `tag_file` did."""

    sentences: int
    entities: int
    left_out: int  # lines or records without a word
    alone: int = 0  # sentences of no document, where the model reads a sentence among its neighbours


def tag_file(
    tagger: Tagger,
    source: str,
    target: str,
    *,
    input_format: str = "auto",
    output_format: str = "auto",
    batch_size: int = 64,
    min_probability: float = 0.0,
) -> Done:
    """Tag a file of any size, sentence by sentence; what was read stays in its order.

    The output appears under its name when it is complete; an interrupted run leaves an old one as it was.

    Args:
        tagger: a loaded model.
        source: a file, or `-` for standard input.
        target: a file, or `-` for standard output.
        input_format: `text` (a sentence a line; for a model with context a line without words ends a document),
            `conll` or `jsonl` (what they annotate is not looked at), or `auto`: by ending.
        output_format: `jsonl`, `conll`, or `auto`: by ending, JSON lines without one.
        batch_size: sentences that go through the model together.
        min_probability: entities less probable than this are left out.

    Returns:
        How many sentences and entities were written, and what was left out.

    Raises:
        UserError: a format there is not, or a file that cannot be read.
    """
    kind = _format(input_format, source, ("text", "conll", "jsonl"), "input_format")
    written = _format(output_format, target, ("jsonl", "conll"), "output_format", default="jsonl")
    joiner = "" if tagger.units == "characters" else " "
    sentences_done = entities_done = alone = 0
    report = ReadReport()

    def tagged(sentences: Iterator[Sentence]) -> Iterator[tuple[Sentence, list[float]]]:
        nonlocal sentences_done, entities_done, alone
        for sentence, found in tagger.tag(sentences, batch_size):
            kept = [scored for scored in found if scored.probability >= min_probability]
            sentences_done += 1
            alone += tagger.context > 0 and not sentence.document
            entities_done += len(kept)
            spans = tuple(scored.span for scored in kept)
            yield replace(sentence, spans=spans, unknown=()), [round(scored.probability, 6) for scored in kept]

    with _input(source) as path, _output(target) as stream:
        results = tagged(_reader(kind, tagger).read(path, report))
        if written == "conll":
            write_conll((sentence for sentence, _ in results), stream, tagger.tags.scheme)
        else:
            left, right = tee(results)
            write_jsonl(
                (sentence for sentence, _ in left), stream, (values for _, values in right), joiner, words=False
            )
    return Done(sentences_done, entities_done, report.empty_sentences, alone)


def _reader(kind: str, tagger: Tagger) -> Reader:
    if kind == "conll":
        return ConllReader(tag_column=None)
    if kind == "jsonl":
        return JsonlReader(spans_key="", words=SPLIT_RULES[tagger.units])
    return PlainTextReader(units=tagger.units, documents=tagger.context > 0)  # type: ignore[arg-type]


def _format(asked: str, name: str, known: tuple[str, ...], key: str, default: str = "text") -> str:
    found = asked
    if asked == "auto":
        found = default if name == "-" else ENDINGS.get(Path(name).suffix.lower(), default)
    if found not in known:
        raise UserError(f"{key}: expected {', '.join(known)}, found {found!r}; give {key}={known[0]}")
    return found


@contextmanager
def _input(source: str) -> Iterator[Path]:
    if source != "-":
        yield Path(source)
        return
    # Some readers look at a file twice; a pipe can be read once.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield path


@contextmanager
def _output(target: str) -> Iterator[TextIO]:
    if target == "-":
        yield sys.stdout
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
