"""Tag files of any size, in three input and two output formats."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ner_lightning.data.formats import format_by_ending
from ner_lightning.data.read_report import ReadReport, SentenceLimit
from ner_lightning.data.readers.reader import Reader
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.columns import format_columns
from ner_lightning.data.writers.json_lines import sentence_record
from ner_lightning.errors import UserError
from ner_lightning.inference.input_readers import reader_for
from ner_lightning.inference.tagged_outputs import opened_output
from ner_lightning.inference.tagger import Tagger, TooLarge
from ner_lightning.storage.fingerprint import fingerprint_reader
from ner_lightning.storage.outputs import STANDARD, check_outputs, check_place
from ner_lightning.storage.streams import is_stream
from ner_lightning.tagging.spans import ScoredSpan


class Done(NamedTuple):
    """The result of `tag_file`."""

    sentences: int
    entities: int
    left_out: int  # lines or records without a word
    alone: int = 0  # sentences without a document, if the model reads sentences among their neighbours
    resumed: int = 0  # sentences that an earlier run had written
    aside: int = 0  # sentences that the output cannot represent, or that need too much memory
    aside_in: Path | None = None  # the file that holds them


def tag_file(
    tagger: Tagger,
    source: str,
    target: str,
    *,
    reader: Reader | None = None,
    output_format: str = "auto",
    batch_size: int = 64,
    min_probability: float = 0.0,
    longest_sentence: int | None = 1_000_000,
    force: bool = False,
) -> Done:
    """Tag a file of any size, sentence by sentence, in its order.

    The output gets its name when it is complete. Until then it is in `TARGET.part`: after an interruption or an error
    the same call continues from there. Sentences that the output cannot represent go into `TARGET.set_aside.jsonl`.

    Args:
        tagger: a loaded model.
        source: a file, or `-` for standard input.
        target: a file, or `-` for standard output; devices and pipes are written through.
        reader: of the file; its annotation is ignored. None: chosen by the file's name, plain text if that says nothing
            (one sentence per line; for a model with context, a line without words ends a document).
        output_format: `jsonl`, `conll`, or `auto`: by the ending, JSON lines without one.
        batch_size: sentences that go through the model together.
        min_probability: entities less probable than this are left out, from 0 to 1.
        longest_sentence: words of a sentence of the file, at most; None: any number.
        force: whether to discard the beginning of another output that is in the way.

    Returns:
        How many sentences and entities were written, and what was left out.

    Raises:
        UserError: an unknown format, a file that cannot be read or written, or that another process is writing.
    """
    written = _output_format(output_format, target)
    if not 0 <= min_probability <= 1:
        raise UserError(f"min_probability={min_probability}: expected a number from 0 to 1")
    check_place("output", target)
    check_outputs({"output": target}, {"input": source})
    form = Form(written, tagger.tags.scheme, "" if tagger.units == "characters" else " ")
    settings = {"model": tagger.fingerprint, "output_format": written, "min_probability": min_probability}
    report = ReadReport(limit=SentenceLimit(longest_sentence, "longest_sentence"))
    with ExitStack() as stack:
        path = stack.enter_context(_input(source))
        chosen = reader_for(path, reader, tagger, report.limit)
        report.reader = type(chosen).__name__
        output = stack.enter_context(
            opened_output(target, settings | {"reader": fingerprint_reader(chosen)}, force=force)
        )
        sentences = output.checked(chosen.read(path, report))
        for sentence, found in tagger.tag_what_fits(sentences, batch_size, output.resumed):
            alone = int(tagger.context > 0 and not sentence.document)
            if isinstance(found, TooLarge):
                output.set_aside(sentence, {"why": str(found), **_record(sentence, (), form)}, aside=1)
                continue
            kept = [scored for scored in found if scored.probability >= min_probability]
            counts = {"entities": len(kept), "alone": alone}
            try:
                content = form.content(sentence, kept)
            except ValueError as error:
                output.set_aside(sentence, {"why": str(error), **_record(sentence, kept, form)}, aside=1, **counts)
            else:
                output.write(sentence, content, written=1, **counts)
        aside_in = output.finish()
    counted = output.progress.counts
    return Done(
        counted.get("written", 0),
        counted.get("entities", 0),
        report.empty_sentences,
        counted.get("alone", 0),
        output.resumed,
        counted.get("aside", 0),
        aside_in,
    )


class Form(NamedTuple):
    """The output format of sentences.

    Attributes:
        kind: `jsonl` or `conll`.
        scheme: of tags.
        joiner: what joins the words of a sentence without text.
    """

    kind: str
    scheme: str
    joiner: str

    def content(self, sentence: Sentence, found: Sequence[ScoredSpan]) -> str:
        """Format a sentence.

        Raises:
            ValueError: the format cannot represent it.
        """
        if self.kind == "conll":
            return format_columns(_tagged(sentence, found), self.scheme)
        return json.dumps(_record(sentence, found, self), ensure_ascii=False) + "\n"


def _record(sentence: Sentence, found: Sequence[ScoredSpan], form: Form) -> dict[str, Any]:
    probabilities = [round(scored.probability, 6) for scored in found]
    return sentence_record(_tagged(sentence, found), probabilities, joiner=form.joiner, words=False)


def _tagged(sentence: Sentence, found: Sequence[ScoredSpan]) -> Sentence:
    return replace(sentence, spans=tuple(scored.span for scored in found), unknown=())


def _output_format(asked: str, name: str) -> str:
    """Choose `jsonl` or `conll`, by the ending unless the user says."""
    found = asked
    if asked == "auto":
        found = "jsonl" if name == STANDARD else format_by_ending(Path(name)) or "jsonl"
    if found not in ("jsonl", "conll"):
        raise UserError(f"output_format: expected jsonl, conll, found {found!r}; give output_format=jsonl")
    return found


@contextmanager
def _input(source: str) -> Iterator[Path]:
    """Yield a file; standard input and pipes are copied to one, as some readers read a file twice."""
    path = Path(source).expanduser()
    if source != STANDARD and not is_stream(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / ("stdin" if source == STANDARD else path.name)
        with (
            copied.open("wb") as copy,
            nullcontext(sys.stdin.buffer) if source == STANDARD else path.open("rb") as pipe,
        ):
            shutil.copyfileobj(pipe, copy)
        yield copied
