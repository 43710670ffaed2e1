"""Write brat's standoff format: a text in `.txt`, its annotations beside it in `.ann`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.writer import Mention, WriteReport, is_unannotated, mentions

SENTENCES_A_FILE = 100  # if a corpus has no documents, since brat shows a whole file

_LONGEST_NAME = 120
_UNFIT = re.compile(r"[^\w.-]+")


class BratWriter:
    """A writer of a folder with `.txt` and `.ann` for each document, one sentence per line, and `annotation.conf`.

    Sentences without a document go into files of a hundred. Words and ids are not kept. An unannotated document has no
    `.ann`.
    """

    whole_documents = True

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a folder.

        Raises:
            ValueError: an entity type contains white space, which brat cannot represent.
        """
        written = WriteReport()
        types: dict[str, None] = {}
        taken: set[str] = set()
        target.mkdir(parents=True)
        for name, group in _documents(sentences, target.name):
            self._write_document(group, _free(target, _file_name(name), taken), written, types)
        conf = "\n".join(["[entities]", *types, "[relations]", "[events]", "[attributes]", ""])
        (target / "annotation.conf").write_text(conf, encoding="utf-8")
        return written

    def _write_document(
        self, sentences: Iterable[Sentence], stem: Path, written: WriteReport, types: dict[str, None]
    ) -> None:
        parts: list[str] = []
        lines: list[str] = []
        position, unknown, annotated = 0, 0, False
        for sentence in sentences:
            written.count(sentence)
            annotated |= not is_unannotated(sentence)
            unknown += len(sentence.unknown)
            for mention in mentions(sentence):
                if re.search(r"\s", mention.label):
                    raise ValueError(
                        f"expected types without spaces for brat, found {mention.label!r} in {sentence.id}"
                    )
                types[mention.label] = None
                lines.append(f"T{len(lines) + 1}\t{_standoff(mention, position)}\n")
            text = sentence.text or ""
            text += "" if text.endswith("\n") else "\n"
            parts.append(text)
            position += len(text)
        # One record that is a document as it was: nothing is added to it.
        whole = "".join(parts) if len(parts) > 1 else parts[0] if parts[0] == sentence.text else parts[0][:-1]
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_name(f"{stem.name}.txt").write_bytes(whole.encode())
        if annotated:
            written.unknown_lost += unknown
            stem.with_name(f"{stem.name}.ann").write_bytes("".join(lines).encode())


def _documents(sentences: Iterable[Sentence], fallback: str) -> Iterator[tuple[str, Iterable[Sentence]]]:
    """Group sentences by document; without one, a hundred at a time."""
    count = 0

    def key(sentence: Sentence) -> str:
        nonlocal count
        count += not sentence.document
        return sentence.document or f"{fallback}-{(count - 1) // SENTENCES_A_FILE + 1:05d}"

    yield from groupby(sentences, key)


def _standoff(mention: Mention, position: int) -> str:
    """Write type, pieces and text of an entity; one across a line end is written in pieces, as brat does."""
    pieces = list(re.finditer(r"[^\r\n]+", mention.surface))
    start = position + mention.start
    where = ";".join(f"{start + piece.start()} {start + piece.end()}" for piece in pieces)
    return f"{mention.label} {where}\t{' '.join(piece[0] for piece in pieces)}"


def _file_name(document: str) -> str:
    """Turn a document's name into a path below the folder, which cannot lead out of it."""
    parts = [_UNFIT.sub("_", part).strip(".")[:_LONGEST_NAME] for part in document.split("/")]
    return "/".join(part for part in parts if part) or "document"


def _free(folder: Path, name: str, taken: set[str]) -> Path:
    """Return the path of a name, with a number if another document has it."""
    free, number = name, 1
    while free.lower() in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free.lower())
    return folder / free
