"""The lines of a text file with their numbers."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from ner_lightning.data.report import DataError

BLOCK = 1 << 20  # bytes read at once
LONGEST_LINE = 1 << 24  # bytes; a line beyond is no line but a file of another format


def numbered_lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    r"""Yield number (from 1) and text of each line, without its end; a byte order mark is dropped.

    Lines end at LF or CR LF and nowhere else: U+2028, U+0085 and their like, at which `str.splitlines` would split,
    occur inside words. A file whose name ends in `.gz` is decompressed on the way.

    Args:
        path: the file.
        encoding: one in which the byte 0x0A is always a line feed (UTF-8, GB18030, Latin-1; not UTF-16).

    Raises:
        DataError: no such file, bytes that are not of the encoding or not compressed, or a line without end.
    """
    try:
        file = _open(path)
    except OSError as error:
        found = "a folder" if path.is_dir() else (error.strerror or str(error)).lower()
        raise DataError(f"expected a readable file, found: {found}; check the path", path) from None
    number, rest = 0, b""
    with file:
        while True:
            try:
                block = file.read(BLOCK)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                message = f"expected a whole gzip file, found: {str(error).lower()}; fetch or compress it again"
                raise DataError(message, path, number + 1) from None
            if not number and not rest:
                block = _without_mark(block, path)
            cut = block.rfind(b"\n") + 1 if block else 0
            whole, rest = (rest + block[:cut], block[cut:]) if cut else (b"", rest + block)
            if not block:  # the last line has no line feed
                whole, rest = rest, b""
            elif len(rest) > LONGEST_LINE:
                message = f"expected lines of text, found more than {LONGEST_LINE} bytes without a line feed"
                raise DataError(message, path, number + whole.count(b"\n") + 1)
            if whole:
                lines = _decoded(whole, encoding, path, number).removesuffix("\n").split("\n")
                for number, line in enumerate(lines, number + 1):  # noqa: B020  (goes on counting)
                    yield number, line.removesuffix("\r")
            if not block:
                return


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _decoded(whole: bytes, encoding: str, path: Path, number: int) -> str:
    """Decode complete lines; `number` is that of the line before them."""
    try:
        return whole.decode(encoding)
    except UnicodeDecodeError as error:
        begin = whole.rfind(b"\n", 0, error.start) + 1
        raise DataError(
            f"expected {encoding} text, found byte 0x{whole[error.start]:02x} at byte {error.start - begin + 1} of the "
            "line; convert the file to UTF-8 (iconv -t UTF-8) or name its encoding",
            path,
            number + whole.count(b"\n", 0, error.start) + 1,
        ) from None


def _without_mark(raw: bytes, path: Path) -> bytes:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError("expected UTF-8 text, found UTF-16; convert it: iconv -f UTF-16 -t UTF-8", path, 1)
    return raw.removeprefix(codecs.BOM_UTF8)
