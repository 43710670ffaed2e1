"""Outputs for tagged sentences: a file that keeps its progress, or a stream."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from ner_lightning.data.sentence import Sentence
from ner_lightning.inference.partial import OutputProgress, partial_output
from ner_lightning.storage.atomic import writing
from ner_lightning.storage.outputs import STANDARD, explain_os_errors
from ner_lightning.storage.streams import is_stream, let_go_of_stdout

log = logging.getLogger(__name__)

_TOLD = 10  # sentences that are set aside and named in the log
_REMEDY = "make room, or name a file that can be written"


class Output(Protocol):
    """An output that takes sentences in their order, one at a time.

    Attributes:
        progress: how far it has got.
        resumed: number of sentences that an earlier run had finished.
    """

    progress: OutputProgress
    resumed: int

    def checked(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Yield the remaining sentences, after checking that the finished ones are the same as before."""
        ...

    def write(self, sentence: Sentence, content: str, **counts: int) -> None:
        """Write a formatted sentence."""
        ...

    def set_aside(self, sentence: Sentence, record: Mapping[str, Any], **counts: int) -> None:
        """Keep a sentence that the output cannot represent, if there is a place for it."""
        ...

    def finish(self) -> Path | None:
        """Complete the output; returns the file of the sentences set aside."""
        ...


@contextmanager
def opened_output(target: str, settings: Mapping[str, Any], *, force: bool) -> Iterator[Output]:
    """Open an output; errors of the operating system become one sentence.

    Args:
        target: a file, or `-`; devices and pipes are written through.
        settings: see `partial_output`.
        force: see `partial_output`.

    Raises:
        UserError: it cannot be written.
    """
    with ExitStack() as stack:
        with explain_os_errors("output", target, _REMEDY):
            output = stack.enter_context(_opened(target, settings, force))
        yield _Told(output, target)


@contextmanager
def _opened(target: str, settings: Mapping[str, Any], force: bool) -> Iterator[Output]:
    if target == STANDARD:
        yield _Stream(sys.stdout)
    elif is_stream(Path(target).expanduser()):
        with explain_os_errors("output", target, _REMEDY), writing(Path(target).expanduser()) as stream:
            yield _Stream(stream)
    else:
        with partial_output(target, settings, force=force) as partial:
            yield partial


class _Told:
    """An output whose errors become one sentence."""

    def __init__(self, output: Output, target: str) -> None:
        self._output, self._target = output, target
        self.progress, self.resumed = output.progress, output.resumed
        self.checked = output.checked

    def write(self, sentence: Sentence, content: str, **counts: int) -> None:
        with explain_os_errors("output", self._target, _REMEDY):
            self._output.write(sentence, content, **counts)

    def set_aside(self, sentence: Sentence, record: Mapping[str, Any], **counts: int) -> None:
        if self.progress.counts.get("aside", 0) < _TOLD:
            log.warning("set aside: %s", record["why"])
        with explain_os_errors("output", self._target, _REMEDY):
            self._output.set_aside(sentence, record, **counts)

    def finish(self) -> Path | None:
        with explain_os_errors("output", self._target, _REMEDY):
            return self._output.finish()


class _Stream:
    """An output that cannot be resumed: standard output, a device, a pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.progress, self.resumed = OutputProgress(), 0

    def checked(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        yield from sentences

    def write(self, sentence: Sentence, content: str, **counts: int) -> None:  # noqa: ARG002
        with self._letting_go():
            self._stream.write(content)
        self.progress.count(counts)

    def set_aside(self, sentence: Sentence, record: Mapping[str, Any], **counts: int) -> None:  # noqa: ARG002
        self.progress.count(counts)

    def finish(self) -> None:
        with self._letting_go():
            self._stream.flush()

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            if self._stream is sys.stdout:
                let_go_of_stdout()
            raise
