"""Read the lines of a text file with their numbers."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from ner_lightning.data.formats import COMPRESSED
from ner_lightning.errors import DataError, escape_surrogates

BLOCK = 1 << 20  # bytes read at once
LONGEST_LINE = 1 << 24  # bytes; anything longer is no line but a file of another format
LONGEST_TEXT = 1 << 24  # bytes of a file that is one document

_OPENERS: dict[str, Callable[[Path], Any]] = dict(zip(COMPRESSED, (gzip.open, bz2.open, lzma.open), strict=True))

_KINDS = {  # kinds of files by their first bytes
    b"PK\x03\x04": "a zip archive or an office document",
    b"PAR1": "a parquet file (data=hf reads it)",
    b"ARROW1": "an arrow file (data=hf reads it)",
    b"SQLite": "a database",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a gzip file (call it .gz)",
    b"BZh": "a bzip2 file (call it .bz2)",
    b"\xfd7zXZ": "an xz file (call it .xz)",
    b"\x28\xb5\x2f\xfd": "a zstd file (unzstd FILE)",
    b"\x80\x04": "a pickle",
    b"\x7fELF": "a program",
}


def numbered_lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    r"""Yield number (from 1) and text of each line, without its end; a byte order mark is dropped.

    Lines end only at LF or CR LF: U+2028, U+0085 and the like, at which `str.splitlines` would split,
    occur inside words. A file whose name ends in `.gz`, `.bz2` or `.xz` is decompressed on the way.

    Args:
        path: the file.
        encoding: one in which the byte 0x0A is always a line feed (UTF-8, GB18030, Latin-1; not UTF-16).

    Raises:
        DataError: no such file, no such encoding, bytes that are not of the encoding or not compressed, lines that end
            only in a carriage return, or an endless line.
    """
    _check_encoding(encoding, path)
    number, rest = 0, b""
    with _open(path) as file:
        while True:
            block = _read(file, BLOCK, path, number)
            if not number and not rest:
                block = _without_mark(block, path)
                _check_line_ends(block, path)
            cut = block.rfind(b"\n") + 1 if block else 0
            whole, rest = (rest + block[:cut], block[cut:]) if cut else (b"", rest + block)
            if not block:  # the last line has no line feed
                whole, rest = rest, b""
            elif len(rest) > LONGEST_LINE:
                raise DataError(
                    f"expected lines of text, found more than {LONGEST_LINE} bytes without a line feed; "
                    "is it of this format? For one JSON value: jq -c '.[]'",
                    path,
                    number + whole.count(b"\n") + 1,
                )
            if whole:
                lines = _decoded(whole, encoding, path, number).removesuffix("\n").split("\n")
                for number, line in enumerate(lines, number + 1):  # noqa: B020  (goes on counting)
                    yield number, line.removesuffix("\r")
            if not block:
                return


def whole_text(path: Path, encoding: str = "utf-8") -> str:
    """Read a file that is one document, unchanged: line ends and byte order marks are characters like others.

    Raises:
        DataError: as `numbered_lines`; more bytes than a document may have.
    """
    _check_encoding(encoding, path)
    with _open(path) as file:
        raw = _read(file, LONGEST_TEXT + 1, path, 0)
    if len(raw) > LONGEST_TEXT:
        raise DataError(f"expected a document, found more than {LONGEST_TEXT} bytes; cut it into several", path)
    _without_mark(raw, path)
    return _decoded(raw, encoding, path, 0)


def text_blocks(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    """Yield a text file in blocks, wherever its lines end; a byte order mark is dropped.

    Raises:
        DataError: as `numbered_lines`, but lines may have any length.
    """
    _check_encoding(encoding, path)
    decoder = codecs.getincrementaldecoder(encoding)()
    number, first = 0, True
    with _open(path) as file:
        while raw := _read(file, BLOCK, path, number):
            block = _without_mark(raw, path) if first else raw
            first = False
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _wrong_bytes(error, encoding, path, number) from None
            number += block.count(b"\n")
            if text:
                yield text
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise _wrong_bytes(error, encoding, path, number) from None


def _open(path: Path) -> IO[bytes]:
    try:
        return (
            cast("IO[bytes]", _OPENERS[path.suffix.lower()](path))
            if path.suffix.lower() in _OPENERS
            else path.open("rb")
        )
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        found = "a folder" if _is_folder(path) else (getattr(error, "strerror", None) or str(error)).lower()
        raise DataError(f"expected a readable file, found: {found}; check the path", path) from None


def _read(file: IO[bytes], size: int, path: Path, number: int) -> bytes:
    try:
        return file.read(size)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        found = str(getattr(error, "strerror", None) or error).lower()
        kind = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}.get(path.suffix.lower())
        message = f"expected a whole {kind} file, found: {found}; fetch or compress it again"
        raise DataError(message if kind else f"cannot be read: {found}", path, number + 1) from None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except ValueError:
        return False


def _check_encoding(encoding: str, path: Path) -> None:
    """Refuse an unknown encoding, or one that is not for text in lines."""
    try:
        found = codecs.lookup(encoding)
        "\n".encode(found.name)  # base64 and the like are no encodings of text
    except (LookupError, ValueError):
        raise DataError(
            f"encoding={escape_surrogates(encoding)}: there is no such encoding of text; write utf-8, latin-1, cp1252, "
            "gb18030 or what else Python knows",
            path,
        ) from None
    if found.name.startswith(("utf-16", "utf-32", "utf-7", "idna", "punycode")):
        raise DataError(f"encoding={encoding} is not read; convert the file: iconv -f {encoding} -t UTF-8", path)


def _check_line_ends(block: bytes, path: Path) -> None:
    """Refuse lines that end only in CR, which would be one line to every reader."""
    if b"\r" not in block:
        return
    alone = block.count(b"\r", 0, len(block) - 1) - block.count(b"\r\n")
    if alone > block.count(b"\n"):
        raise DataError(
            f"expected lines that end in LF or CR LF, found {alone} carriage returns alone; write other line ends: "
            "tr '\\r' '\\n' < FILE > NEW_FILE",
            path,
            1,
        )


def _decoded(whole: bytes, encoding: str, path: Path, number: int) -> str:
    """Decode complete lines; `number` is that of the line before them."""
    try:
        return whole.decode(encoding)
    except UnicodeDecodeError as error:
        raise _wrong_bytes(error, encoding, path, number) from None


def _wrong_bytes(error: UnicodeDecodeError, encoding: str, path: Path, number: int) -> DataError:
    whole = error.object
    begin = whole.rfind(b"\n", 0, error.start) + 1
    return DataError(
        f"expected {encoding} text, found byte 0x{whole[error.start]:02x} at byte {error.start - begin + 1} of the "
        "line; convert the file to UTF-8 (iconv -t UTF-8) or name its encoding",
        path,
        number + whole.count(b"\n", 0, error.start) + 1,
    )


def _without_mark(raw: bytes, path: Path) -> bytes:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError("expected UTF-8 text, found UTF-16; convert it: iconv -f UTF-16 -t UTF-8", path, 1)
    if kind := next((kind for magic, kind in _KINDS.items() if raw.startswith(magic)), None):
        raise DataError(f"expected a text file, found {kind}; give a text file in UTF-8", path)
    if 5 * raw.count(b"\0") > len(raw):  # a few may be characters, if odd ones
        raise DataError("expected text, found zero bytes: a binary file, or UTF-16; give a text file in UTF-8", path, 1)
    return raw.removeprefix(codecs.BOM_UTF8)
