"""Lines against the obvious way to split them, across block boundaries."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ner_lightning.data.text import lines
from ner_lightning.data.text.lines import numbered_lines
from ner_lightning.errors import DataError


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.sampled_from("a北\u2028\x85\n\r\t"), max_size=30), block=st.integers(1, 7))
def test_blocks_do_not_show(tmp_path, monkeypatch, text, block):
    monkeypatch.setattr(lines, "BLOCK", block)
    path = tmp_path / "file"
    text = "\n\n\n\n\n\n\n" + text  # a first block with more carriage returns than line feeds is refused
    path.write_bytes(text.encode())
    expected = [line.removesuffix("\r") for line in text.split("\n")]
    if text.endswith("\n") or not text:
        expected.pop()
    assert list(numbered_lines(path)) == list(enumerate(expected, 1))


def test_a_bad_byte_in_a_later_block(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 8)
    path = tmp_path / "file"
    path.write_bytes("北京\n".encode() * 5 + "北".encode() + b"\xe5\xff\n")
    with pytest.raises(DataError, match=r"file:6: .*byte 0xe5 at byte 4 of the line"):
        list(numbered_lines(path))


def test_a_line_without_end_is_refused_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 100)
    monkeypatch.setattr(lines, "BLOCK", 16)
    path = tmp_path / "file"
    path.write_bytes(b"short\n" + b"x" * 10_000)
    with pytest.raises(DataError, match=r"file:2: .*more than 100 bytes"):
        list(numbered_lines(path))


def test_a_compressed_file_is_read_like_the_plain_one(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK", 5)
    raw = "\ufeffbéla\n\n北京\r\nlast".encode()
    (tmp_path / "a.conll").write_bytes(raw)
    (tmp_path / "a.conll.gz").write_bytes(gzip.compress(raw))
    assert list(numbered_lines(tmp_path / "a.conll.gz")) == list(numbered_lines(tmp_path / "a.conll"))


@pytest.mark.parametrize(
    "harm", [lambda raw: raw[:-9], lambda raw: b"Ann\tO\n", lambda raw: raw[:12] + b"x" + raw[13:]]
)
def test_a_broken_compressed_file_is_said(tmp_path, harm):
    path = tmp_path / "a.gz"
    path.write_bytes(harm(gzip.compress(b"Ann\tO\n" * 50)))
    with pytest.raises(DataError, match=r"a\.gz:1: expected a whole gzip file, found: .*compress it again"):
        list(numbered_lines(path))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"PK\x03\x04rest", "expected a text file, found a zip archive or an office document"),
        (b"PAR1rest", "found a parquet file .data=hf reads it"),
        (b"\x1f\x8b\x08rest", "found a gzip file .call it .gz"),
        (b"A\0n\0n\0", "a:1: expected text, found zero bytes: a binary file, or UTF-16; give a text file"),
    ],
)
def test_a_binary_file_is_said_to_be_one(tmp_path, raw, message):
    (tmp_path / "a").write_bytes(raw)
    for read in (numbered_lines, lines.text_blocks):
        with pytest.raises(DataError, match=message):
            list(read(tmp_path / "a"))
    with pytest.raises(DataError, match=message):
        lines.whole_text(tmp_path / "a")


def test_a_text_is_read_as_it_stands(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffa\r\nb\r".encode())
    assert lines.whole_text(path) == "\ufeffa\r\nb\r"
    monkeypatch.setattr(lines, "LONGEST_TEXT", 4)
    with pytest.raises(DataError, match="more than 4 bytes; cut it into several"):
        lines.whole_text(path)


def test_two_gigabytes_in_one_line(tmp_path):
    """A sparse file: nothing of it is on the disk, and little of it may get into memory."""
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b"x" * (lines.LONGEST_LINE + lines.BLOCK))
        file.truncate(2 << 30)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a\.jsonl:1: expected lines of text, found more than 16777216 bytes"):
        list(numbered_lines(path))
    with pytest.raises(DataError, match="expected a document, found more than 16777216 bytes"):
        lines.whole_text(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20
