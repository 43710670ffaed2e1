"""Outputs that are kept while they are made: continued without a line lost or twice, refused where they do not fit."""

from __future__ import annotations

import errno
import json
import os
import resource
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import ReaderGone, UserError
from ner_lightning.inference.file_tagging import tag_file
from ner_lightning.inference.partial import Partial
from ner_lightning.inference.tagger import Tagger, TooLarge
from tests.runs import records

LINES = [f"Ann Lee likes Oslo {number} ." for number in range(40)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.txt"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stops_at(number: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writing of a sentence fail."""
    write = Partial.write

    def stop(self: Partial, sentence: Sentence, content: str, **counts: int) -> None:
        if self.progress.sentences == number:
            raise error
        write(self, sentence, content, **counts)

    monkeypatch.setattr(Partial, "write", stop)


def interrupted(tagger: Tagger, source: Path, target: Path, number: int, **options: Any) -> None:
    """Tag so many sentences."""
    with pytest.MonkeyPatch.context() as patched:
        stops_at(number, KeyboardInterrupt(), patched)
        with pytest.raises(KeyboardInterrupt):
            tag_file(tagger, str(source), str(target), **options)


@pytest.mark.parametrize("number", [0, 1, 17, 39])
@pytest.mark.parametrize("ending", ["jsonl", "conll"])
def test_an_interrupted_output_is_continued(
    easy: Tagger, source: Path, tmp_path: Path, number: int, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole, target = tmp_path / f"whole.{ending}", tmp_path / f"out.{ending}"
    tag_file(easy, str(source), str(whole), batch_size=1)
    interrupted(easy, source, target, number, batch_size=1)
    assert not target.exists()
    assert (tmp_path / f"out.{ending}.part").exists() == (number > 0)
    assert (f"{number} sentences are kept in" in caplog.text) == (number > 0)
    done = tag_file(easy, str(source), str(target), batch_size=1)
    assert (done.resumed, done.sentences, done.entities) == (number, 40, 80)
    assert target.read_bytes() == whole.read_bytes()
    assert names(tmp_path) == sorted(["in.txt", target.name, whole.name])


def test_what_stands_behind_the_journal_is_cut_off(easy: Tagger, source: Path, tmp_path: Path) -> None:
    """A power cut leaves bytes that nobody vouched for, and half a line of the journal."""
    target = tmp_path / "out.jsonl"
    interrupted(easy, source, target, 9)
    folder = tmp_path / "out.jsonl.part"
    for name in ("out.jsonl", "journal.jsonl"):
        with (folder / name).open("ab") as file:
            file.write(b'{"text": \0\0')
    assert tag_file(easy, str(source), str(target)).resumed == 9
    assert [record["text"] for record in records(target)] == LINES


def test_what_was_begun_with_something_else_is_not_continued(easy: Tagger, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    interrupted(easy, source, target, 9)
    kept = (tmp_path / "out.jsonl.part" / "out.jsonl").read_bytes()
    remedy = r"out\.jsonl\.part holds the beginning of an output made with another {}; .*force=true"
    with pytest.raises(UserError, match=remedy.format("min_probability")):
        tag_file(easy, str(source), str(target), min_probability=0.5)
    for text in ("Ann\n" + source.read_text(), "Ann\n"):
        other = tmp_path / "other" / "in.txt"
        other.parent.mkdir(exist_ok=True)
        other.write_text(text)
        with pytest.raises(UserError, match=remedy.format("(longer )?input").replace("another (", "an?(other)? (")):
            tag_file(easy, str(other), str(target))
    assert (tmp_path / "out.jsonl.part" / "out.jsonl").read_bytes() == kept
    with source.open("a") as file:
        file.write("Rome\n")  # what comes behind may grow
    assert tag_file(easy, str(source), str(target)).sentences == 41
    interrupted(easy, source, target, 9)
    done = tag_file(easy, str(source), str(target), min_probability=0.5, force=True)
    assert (done.resumed, done.sentences) == (0, 41)


def test_a_bad_byte_far_down_keeps_what_stands_before_it(easy: Tagger, source: Path, tmp_path: Path) -> None:
    whole = source.read_bytes()
    big = b"x" * (1 << 20) + b"\n"  # what is decoded together with the bad byte is refused with it
    source.write_bytes(whole + big + b"\xff\n")
    with pytest.raises(UserError, match=r"in\.txt:42: expected utf-8 text"):
        tag_file(easy, str(source), str(tmp_path / "out.jsonl"), batch_size=1)
    source.write_bytes(whole + big + b"Oslo\n")
    done = tag_file(easy, str(source), str(tmp_path / "out.jsonl"), batch_size=1)
    assert (done.resumed, done.sentences) == (32, 42)


def test_words_that_columns_cannot_hold_are_set_aside(
    easy: Tagger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [{"id": str(n), "words": ["Oslo", "a\tb" if n == 3 else "x"]} for n in range(6)]
    source, target = tmp_path / "in.jsonl", tmp_path / "out.conll"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = tag_file(easy, str(source), str(target))
    assert (done.sentences, done.aside) == (5, 1)
    assert done.aside_in == tmp_path / "out.conll.set_aside.jsonl"
    assert target.read_text() == "Oslo\tS-LOC\nx\tO\n\n" * 5
    (record,) = records(done.aside_in)
    assert (record["id"], record["entities"][0]["text"]) == ("3", "Oslo")
    assert "a\\tb" in record["why"]
    assert "set aside: expected words that fit a column" in caplog.text
    assert names(tmp_path) == ["in.jsonl", "out.conll", "out.conll.set_aside.jsonl"]


def test_a_sentence_for_which_memory_does_not_last_is_set_aside(
    easy: Tagger, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, sizes = easy.model.forward, []

    def short_of_memory(batch: Any) -> Any:
        sizes.append(len(batch.mask))
        if len(batch.mask) > 4 or 7 in batch.index:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …")
        return forward(batch)

    monkeypatch.setattr(easy.model, "forward", short_of_memory)
    done = tag_file(easy, str(source), str(tmp_path / "out.jsonl"), batch_size=16)
    assert (done.sentences, done.aside) == (39, 1)
    (record,) = records(tmp_path / "out.jsonl.set_aside.jsonl")
    assert record["text"] == LINES[7]
    assert "6 words in one sentence need more memory than there is" in record["why"]
    assert [one["text"] for one in records(tmp_path / "out.jsonl")] == LINES[:7] + LINES[8:]
    with pytest.raises(TooLarge):
        easy.tag_texts(LINES)


def test_a_full_disk_is_one_sentence_and_what_was_written_stays(easy: Tagger, source: Path, tmp_path: Path) -> None:
    target, whole = tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    tag_file(easy, str(source), str(whole))
    with pytest.MonkeyPatch.context() as patched:
        stops_at(25, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), patched)
        with pytest.raises(UserError, match=r"out\.jsonl: cannot be written \(no space left on device\); make room"):
            tag_file(easy, str(source), str(target))
    assert tag_file(easy, str(source), str(target)).resumed == 25
    assert target.read_bytes() == whole.read_bytes()


def test_a_disk_that_is_really_full(easy: Tagger, source: Path, tmp_path: Path) -> None:
    """The system itself refuses: files may grow to 4,000 bytes only."""
    import signal

    target = tmp_path / "out.jsonl"
    source.write_text("".join(f"{line}\n" for line in LINES * 20))
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    easy.fingerprint  # noqa: B018  (computed once)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
        with pytest.raises(UserError, match=r"out\.jsonl: cannot be written \(file too large\)"):
            tag_file(easy, str(source), str(target))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not target.exists()
    tag_file(easy, str(source), str(target))
    assert [record["text"] for record in records(target)] == LINES * 20


def test_an_output_is_never_the_input(easy: Tagger, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to(source)
    os.link(source, tmp_path / "hard.txt")
    for name in ("in.txt", "link.txt", "hard.txt"):
        with pytest.raises(UserError, match=r"this is what is read \(input"):
            tag_file(easy, str(source), str(tmp_path / name), output_format="jsonl")
    assert source.read_text().splitlines() == LINES


def test_devices_and_pipes_are_written_through(easy: Tagger, source: Path, tmp_path: Path) -> None:
    assert tag_file(easy, str(source), "/dev/null").sentences == 40
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(UserError, match=r"output=/dev/full: cannot be written \(no space left on device\)"):
        tag_file(easy, str(source), "/dev/full")
    for pipe in (tmp_path / "to", tmp_path / "from"):
        os.mkfifo(pipe)
    read: list[str] = []
    threads = [
        threading.Thread(target=lambda: read.append((tmp_path / "to").read_text())),
        threading.Thread(target=lambda: (tmp_path / "from").write_text(source.read_text())),
    ]
    for thread in threads:
        thread.start()
    tag_file(easy, str(tmp_path / "from"), str(tmp_path / "to"))
    for thread in threads:
        thread.join(10)
    assert len(read[0].splitlines()) == 40
    assert stat.S_ISFIFO((tmp_path / "to").stat().st_mode)
    assert names(tmp_path) == ["from", "in.txt", "to"]


def test_a_pipe_that_its_reader_has_closed_is_no_fault(easy: Tagger, source: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb"), pytest.raises(ReaderGone):
        tag_file(easy, str(source), f"/dev/fd/{writer}")


def test_a_folder_and_a_name_too_long_are_told(easy: Tagger, source: Path, tmp_path: Path) -> None:
    for name, reason in ((tmp_path, "is a directory"), (tmp_path / ("n" * 256), "file name too long")):
        with pytest.raises(UserError, match=rf"^output=.*: cannot be written \({reason}\)"):
            tag_file(easy, str(source), str(name), output_format="jsonl")
    tag_file(easy, str(source), str(tmp_path / f"{'n' * 249}.jsonl"))
    assert len(names(tmp_path)) == 2


KILLED = """
import sys, time
from ner_lightning.inference import partial
from ner_lightning.inference.file_tagging import tag_file
from ner_lightning.inference.tagger import Tagger
run, source, target, wait = sys.argv[1:]
partial._SECONDS = 0
write = partial.Partial.write
def slowly(self, *arguments, **counts):
    if self.progress.sentences == 17:
        print("17", flush=True)
        time.sleep(float(wait))
    write(self, *arguments, **counts)
partial.Partial.write = slowly
tag_file(Tagger.load(run, device="cpu"), source, target, batch_size=1)
"""


@pytest.fixture
def started(easy_run: Path, source: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(easy_run), str(source), str(tmp_path / "out.jsonl"), "600"],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_two_at_once_and_a_kill(easy: Tagger, source: Path, tmp_path: Path, started: subprocess.Popen[str]) -> None:
    """While one process writes another is refused; once it is killed the next one goes on."""
    whole, target = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    tag_file(easy, str(source), str(whole), batch_size=1)
    assert started.stdout is not None
    assert started.stdout.readline() == "17\n"
    with pytest.raises(UserError, match=rf"out\.jsonl: process {started.pid} is writing there"):
        tag_file(easy, str(source), str(target), batch_size=1)
    assert not target.exists()
    started.kill()
    started.wait(10)
    done = tag_file(easy, str(source), str(target), batch_size=1)
    assert done.resumed in (16, 17)
    assert target.read_bytes() == whole.read_bytes()
    assert names(tmp_path) == ["in.txt", "out.jsonl", "whole.jsonl"]
