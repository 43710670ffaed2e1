"""An output that is kept while it is made: after a kill, a full disk or a bad line the same command goes on with it.

`FILE.part/` holds what was written, a journal of how far that goes, and what was set aside. An entry of the journal is
written after the bytes it speaks of are on the disk, so that whatever stands behind the last entry can be cut off. When
everything is written the file takes its place and the folder is removed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import UserError
from ner_lightning.storage.atomic import publish, write_text
from ner_lightning.storage.locks import writing_file

log = logging.getLogger(__name__)

FOLDER = ".part"
ASIDE = ".set_aside.jsonl"
_JOURNAL = "journal.jsonl"
_SECONDS = 5  # between two entries of the journal, at least
_LONGEST = 200  # bytes of a name that leave room for endings


@dataclass
class OutputProgress:
    """How far an output goes.

    Attributes:
        sentences: of the input that are behind, in their order.
        digest: of these sentences.
        size: bytes written.
        aside: bytes of what was set aside.
        counts: what the writer wants to know again.
    """

    sentences: int = 0
    digest: str = ""
    size: int = 0
    aside: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, counts: Mapping[str, int]) -> None:
        """Count a sentence, and what the writer counts with it."""
        self.sentences += 1
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count


class Partial:
    """The file that is being made; see `partial_output`.

    Attributes:
        target: what it is to become.
        progress: how far it goes.
        resumed: sentences that an earlier run had behind it.
    """

    def __init__(self, target: Path, settings: Mapping[str, Any], *, force: bool) -> None:
        self.target = target
        self.folder = folder_of(target)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._settings = json.loads(json.dumps(settings))
        self.progress = self._found(force)
        self.resumed = self.progress.sentences
        self._journal = self._begin()
        self._file = _cut(self.folder / target.name, self.progress.size)
        self._aside = _cut(self.folder / f"{_short(target.name)}{ASIDE}", self.progress.aside)
        self._recorded = time.monotonic()

    def checked(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Hand sentences on, and see that those behind are the ones that were behind.

        Raises:
            UserError: the input is another one.
        """
        before, digest, number = self.progress.sentences, "", 0
        wanted = self.progress.digest
        for number, sentence in enumerate(sentences, 1):
            if number <= before:
                digest = _digest(digest, sentence)
                if number == before and digest != wanted:
                    raise self._other("another input")
            yield sentence
        if number < before:
            raise self._other("a longer input")

    def write(self, sentence: Sentence, content: str, **counts: int) -> None:
        """Add what a sentence became."""
        raw = content.encode()
        self._file.write(raw)
        self.progress.size += len(raw)
        self._count(sentence, counts)

    def set_aside(self, sentence: Sentence, record: Mapping[str, Any], **counts: int) -> None:
        """Keep a sentence that the output cannot hold beside it."""
        raw = (json.dumps(record, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
        self._aside.write(raw)
        self.progress.aside += len(raw)
        self._count(sentence, counts)

    def record(self) -> None:
        """Make sure that what was written stays: it is on the disk, and the journal says so."""
        for file in (self._file, self._aside):
            _to_disk(file)
        self._journal.write((json.dumps(asdict(self.progress)) + "\n").encode())
        _to_disk(self._journal)
        self._recorded = time.monotonic()

    def finish(self) -> Path | None:
        """Put the output in its place; returns the file of what was set aside, if there is something."""
        self.record()
        self.close()
        left = self.target.with_name(Path(self._aside.name).name) if self.progress.aside else None
        if left is not None:
            publish(Path(self._aside.name), left)
        publish(Path(self._file.name), self.target)
        shutil.rmtree(self.folder, ignore_errors=True)
        return left

    def keep(self) -> None:
        """Keep what was written for the next run, which nothing was is not worth a folder."""
        with suppress(OSError, ValueError):  # a full disk: what the journal says stays; closed: it is all there
            self.record()
        self.close()
        if not self.progress.sentences:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        log.warning(
            "%s sentences are kept in %s: the same command goes on after them",
            f"{self.progress.sentences:,}",
            self.folder,
        )

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._file, self._aside, self._journal):
            with suppress(OSError):  # what could not be written is still there to be flushed
                file.close()

    def _count(self, sentence: Sentence, counts: Mapping[str, int]) -> None:
        self.progress.digest = _digest(self.progress.digest, sentence)
        self.progress.count(counts)
        if time.monotonic() - self._recorded > _SECONDS:
            self.record()

    def _found(self, force: bool) -> OutputProgress:
        """What an earlier run has left, if it goes as far as it says and was asked for the same."""
        settings, progress = _read(self.folder / _JOURNAL)
        if force or progress is None or not self._reaches(progress):
            return OutputProgress()
        differing = [key for key in {*settings, *self._settings} if settings.get(key) != self._settings.get(key)]
        if differing:
            raise self._other(f"another {' and '.join(sorted(differing))}")
        return progress

    def _reaches(self, progress: OutputProgress) -> bool:
        sizes = {self.target.name: progress.size, f"{_short(self.target.name)}{ASIDE}": progress.aside}
        try:
            return all((self.folder / name).stat().st_size >= size for name, size in sizes.items())
        except OSError:
            return False

    def _begin(self) -> IO[bytes]:
        """A new journal that begins with how far we are."""
        entries = (self._settings, asdict(self.progress))
        write_text(self.folder / _JOURNAL, "".join(json.dumps(entry) + "\n" for entry in entries))
        return (self.folder / _JOURNAL).open("ab")

    def _other(self, what: str) -> UserError:
        return UserError(
            f"{self.folder} holds the beginning of an output made with {what}; name another output, or write "
            "force=true to begin anew"
        )


@contextmanager
def partial_output(target: str | Path, settings: Mapping[str, Any], *, force: bool = False) -> Iterator[Partial]:
    """Make a file of any length, or go on with it; what was written stays when the block ends with an error.

    Args:
        target: the file; nobody else writes it meanwhile.
        settings: plain values that decide what is written; an output that was begun with others is not continued.
        force: whether such an output is given up.

    Raises:
        UserError: another process writes it, or the beginning is that of another output.
        OSError: it cannot be written.
    """
    path = Path(os.path.realpath(Path(target).expanduser()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing_file(path, "give another output=FILE"):
        partial = Partial(path, settings, force=force)
        try:
            yield partial
        except BaseException:
            partial.keep()
            raise
        finally:
            partial.close()


def folder_of(target: Path) -> Path:
    """Where the beginning of an output is kept.

    >>> folder_of(Path("out/x.jsonl")).as_posix()
    'out/x.jsonl.part'
    """
    return target.with_name(f"{_short(target.name)}{FOLDER}")


def _short(name: str) -> str:
    raw = os.fsencode(name)
    return (
        name if len(raw) <= _LONGEST else f"{raw[:100].decode(errors='ignore')}~{hashlib.sha256(raw).hexdigest()[:8]}"
    )


def _read(journal: Path) -> tuple[dict[str, Any], OutputProgress | None]:
    """Settings and the last entry of a journal; an entry that was cut off is none."""
    entries = []
    with suppress(OSError, ValueError):
        for line in journal.read_text(encoding="utf-8").splitlines():
            entries.append(json.loads(line))
    try:
        return dict(entries[0]), OutputProgress(**entries[-1])
    except (IndexError, TypeError, ValueError):
        return {}, None


def _cut(path: Path, size: int) -> IO[bytes]:
    """Open a file to be continued after so many bytes."""
    path.touch()
    file = path.open("r+b")
    file.truncate(size)
    file.seek(size)
    return file


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _digest(before: str, sentence: Sentence) -> str:
    """The digest of sentences from that of all but the last one."""
    parts = (before, sentence.id, sentence.document, sentence.text or "", *sentence.words)
    raw = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
