"""Where tagged sentences go: a file that is kept while it is made, or a stream."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from ner_lightning.data.sentence import Sentence
from ner_lightning.inference.partial import OutputProgress, partial_output
from ner_lightning.storage.atomic import writing
from ner_lightning.storage.outputs import STANDARD, explain_os_errors
from ner_lightning.storage.streams import is_stream

log = logging.getLogger(__name__)

_TOLD = 10  # sentences that are set aside and named in the log
_REMEDY = "make room, or name a file that can be written"


class Output(Protocol):
    """Takes sentences in their order, one at a time.

    Attributes:
        progress: how far it goes.
        resumed: sentences that an earlier run had behind it.
    """

    progress: OutputProgress
    resumed: int

    def checked(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Hand sentences on, and see that those behind are the ones that were behind."""
        ...

    def write(self, sentence: Sentence, content: str, **counts: int) -> None:
        """Add what a sentence became."""
        ...

    def set_aside(self, sentence: Sentence, record: Mapping[str, Any], **counts: int) -> None:
        """Keep a sentence that the output cannot hold, if there is a place for it."""
        ...

    def finish(self) -> Path | None:
        """End well; returns the file of what was set aside."""
        ...


@contextmanager
def opened_output(target: str, settings: Mapping[str, Any], *, force: bool) -> Iterator[Output]:
    """Open an output; an error of the operating system becomes one sentence.

    Args:
        target: a file, or `-`; devices and pipes are written through.
        settings: see `partial_output`.
        force: likewise.

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
    """An output whose errors are told as one sentence."""

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
    """What cannot be gone on with: standard output, a device, a pipe."""

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
        """Leave nothing of a broken standard output that would be flushed, and complained of, at the very end."""
        try:
            yield
        except OSError:
            if self._stream is sys.stdout:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, sys.stdout.fileno())
                os.close(nowhere)
            raise
