"""Lines against the obvious way to split them, across block boundaries."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ner_lightning.data.readers import lines
from ner_lightning.data.readers.lines import numbered_lines
from ner_lightning.data.report import DataError


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.sampled_from("a北\u2028\x85\n\r\t"), max_size=30), block=st.integers(1, 7))
def test_blocks_do_not_show(tmp_path, monkeypatch, text, block):
    monkeypatch.setattr(lines, "BLOCK", block)
    path = tmp_path / "file"
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
