"""An output that keeps its progress: after a kill, a full disk or a bad line the same command continues it.

`FILE.part/` holds the output so far, a journal of its progress, and the sentences set aside. A journal entry is written
only after the bytes it describes are on the disk, so everything after the last entry can be cut off. When all is
written, the file moves to its place and the folder is removed.
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
_LONGEST = 200  # bytes of a name, so that endings fit too


@dataclass
class OutputProgress:
    """The progress of an output.

    Attributes:
        sentences: number of finished sentences of the input, in order.
        digest: of these sentences.
        size: bytes written.
        aside: bytes of the sentences set aside.
        counts: the writer's own counts.
    """

    sentences: int = 0
    digest: str = ""
    size: int = 0
    aside: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, counts: Mapping[str, int]) -> None:
        """Count a sentence, and the writer's own counts with it."""
        self.sentences += 1
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count


class Partial:
    """A file that is being made; see `partial_output`.

    Attributes:
        target: the file it will become.
        progress: how far it has got.
        resumed: number of sentences that an earlier run had finished.
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
        """Yield the remaining sentences, after checking that the finished ones are the same as before.

        Raises:
            UserError: the input has changed.
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
        """Write a formatted sentence."""
        raw = content.encode()
        self._file.write(raw)
        self.progress.size += len(raw)
        self._count(sentence, counts)

    def set_aside(self, sentence: Sentence, record: Mapping[str, Any], **counts: int) -> None:
        """Keep a sentence that the output cannot represent in a file beside it."""
        raw = (json.dumps(record, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
        self._aside.write(raw)
        self.progress.aside += len(raw)
        self._count(sentence, counts)

    def record(self) -> None:
        """Secure the progress: sync what was written to the disk, and note it in the journal."""
        for file in (self._file, self._aside):
            _to_disk(file)
        self._journal.write((json.dumps(asdict(self.progress)) + "\n").encode())
        _to_disk(self._journal)
        self._recorded = time.monotonic()

    def finish(self) -> Path | None:
        """Move the output to its place; returns the file of the sentences set aside, if there are any."""
        self.record()
        self.close()
        left = self.target.with_name(Path(self._aside.name).name) if self.progress.aside else None
        if left is not None:
            publish(Path(self._aside.name), left)
        publish(Path(self._file.name), self.target)
        shutil.rmtree(self.folder, ignore_errors=True)
        return left

    def keep(self) -> None:
        """Keep what was written for the next run; nothing at all is not worth a folder."""
        with suppress(OSError, ValueError):  # a full disk: the journal's progress stays; closed: everything is there
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
        """Close the files."""
        for file in (self._file, self._aside, self._journal):
            with suppress(OSError):  # closing tries again to write what could not be written
                file.close()

    def _count(self, sentence: Sentence, counts: Mapping[str, int]) -> None:
        self.progress.digest = _digest(self.progress.digest, sentence)
        self.progress.count(counts)
        if time.monotonic() - self._recorded > _SECONDS:
            self.record()

    def _found(self, force: bool) -> OutputProgress:
        """Return the progress of an earlier run, if its files are that long and it had the same settings."""
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
        """Begin a new journal with the present progress."""
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
    """Make a file of any length, or continue it; what was written is kept if the block ends with an error.

    Args:
        target: the file; nobody else may write it meanwhile.
        settings: plain values that decide what is written; an output begun with others is not continued.
        force: whether such an output is discarded.

    Raises:
        UserError: another process is writing it, or the beginning belongs to another output.
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
    """Return the folder that keeps the beginning of an output.

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
    """Read the settings and the last entry of a journal; an entry that was cut off does not count."""
    entries = []
    with suppress(OSError, ValueError):
        for line in journal.read_text(encoding="utf-8").splitlines():
            entries.append(json.loads(line))
    try:
        return dict(entries[0]), OutputProgress(**entries[-1])
    except (IndexError, TypeError, ValueError):
        return {}, None


def _cut(path: Path, size: int) -> IO[bytes]:
    """Open a file to continue after so many bytes."""
    path.touch()
    file = path.open("r+b")
    file.truncate(size)
    file.seek(size)
    return file


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _digest(before: str, sentence: Sentence) -> str:
    """Extend the digest of the previous sentences by one more."""
    parts = (before, sentence.id, sentence.document, sentence.text or "", *sentence.words)
    raw = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
