"""Files that are there as a whole or not at all: kills, several writers, links, permissions."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ner_lightning.storage.atomic import draft, publish, remove_stale_drafts, write_text, writing

HALF = """
import sys, time
from ner_lightning.storage.atomic import draft
with draft(sys.argv[1]) as path:
    path.write_text("half")
    print(path.parent.parent, flush=True)
    time.sleep(600)
"""
MANY = """
import json, sys
from ner_lightning.storage.atomic import write_text
for turn in range(60):
    write_text(sys.argv[1], json.dumps([sys.argv[2]] * 20_000))
"""


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def start(program: str, *words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, *map(str, words)], stdout=subprocess.PIPE, text=True)


def test_a_file_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.json"
    with writing(target) as stream:
        stream.write("one\r\nzwö\n")
        assert not target.exists()
    assert target.read_bytes() == "one\r\nzwö\n".encode()
    assert names(target.parent) == ["a.json"]
    write_text(target, "two")
    assert target.read_bytes() == b"two"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    write_text(tmp_path / "a", "old")

    def write() -> None:
        with writing(tmp_path / "a") as stream:
            stream.write("half")
            raise error

    with pytest.raises(error):
        write()
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_killed_writer_leaves_what_was_there_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_text(target, "old")
    killed, living = start(HALF, target), start(HALF, target)
    try:
        assert killed.stdout is not None
        assert living.stdout is not None
        stale, held = (Path(process.stdout.readline().strip()) for process in (killed, living) if process.stdout)
        killed.send_signal(signal.SIGKILL)
        killed.wait(10)
        assert target.read_text() == "old"
        assert stale.exists()
        write_text(target, "new")
        assert target.read_text() == "new"
        assert names(tmp_path) == sorted(["a", held.name]), "the draft of a living writer stays"
    finally:
        for process in (killed, living):
            process.kill()
            process.communicate()
    remove_stale_drafts(target)
    assert names(tmp_path) == ["a"]


def test_several_writers_and_a_reader_never_see_a_mixture(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_text(target, "[]")
    writers = [start(MANY, target, name) for name in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add("".join(sorted(set(json.loads(target.read_text())))))
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen <= {"", "a", "b"}
    assert seen & {"a", "b"}
    for writer in writers:
        writer.communicate()
    assert names(tmp_path) == ["a.json"]


def test_drafts_of_other_targets_stay(tmp_path: Path) -> None:
    for name in (".b.abcdefgh.part", ".a.b.abcdefgh.part", ".a.part", ".a.abcdefgh.part"):
        (tmp_path / name).mkdir()
    write_text(tmp_path / "a", "text")
    assert names(tmp_path) == [".a.b.abcdefgh.part", ".a.part", ".b.abcdefgh.part", "a"]


def test_a_link_is_followed_and_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o604)
    link.symlink_to(real)
    write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o604
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "far" / "later")
    write_text(dangling, "there")
    assert (tmp_path / "far" / "later").read_text() == "there"


def test_new_files_have_the_permissions_of_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "text")
        with draft(tmp_path / "folder") as path:
            path.mkdir()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750


def test_a_folder_takes_the_place_of_a_folder_and_never_of_a_file(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with draft(tmp_path / "folder") as path:
            (path / "deep").mkdir(parents=True)
            (path / "deep" / text).write_text(text)
        assert names(tmp_path / "folder" / "deep") == [text]
    with pytest.raises(OSError, match="directory"):
        write_text(tmp_path / "folder", "text")
    assert names(tmp_path / "folder" / "deep") == ["two"]
    write_text(tmp_path / "file", "text")
    with pytest.raises(OSError, match="directory"), draft(tmp_path / "file") as path:
        path.mkdir()
    assert names(tmp_path) == ["file", "folder"]


def test_a_kill_between_two_renames_of_a_folder_is_made_good(tmp_path: Path) -> None:
    home = tmp_path / ".folder.abcdefgh.part"
    for name in ("new", "old"):
        (home / name / "folder").mkdir(parents=True)
        (home / name / "folder" / name).touch()
    remove_stale_drafts(tmp_path / "folder")
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == ["new"]


def test_names_as_long_as_names_may_be(tmp_path: Path) -> None:
    for name in ("n" * 255, "名" * 85):
        write_text(tmp_path / name, "text")
        write_text(tmp_path / name, name)
        assert (tmp_path / name).read_text() == name
    with pytest.raises(OSError, match="too long"):
        write_text(tmp_path / ("n" * 256), "text")
    assert len(names(tmp_path)) == 2


def test_what_is_renamed_was_synced_before_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    synced = os.fsync

    def sync(descriptor: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        synced(descriptor)

    monkeypatch.setattr("os.fsync", sync)
    renamed = Path.replace

    def rename(path: Path, to: Path) -> Path:
        done.append("rename")
        return renamed(path, to)

    monkeypatch.setattr(Path, "replace", rename)
    write_text(tmp_path / "a", "text")
    assert done == ["sync a", "rename", f"sync {tmp_path.name}"]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    write_text(tmp_path / "a", "old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_draft_of_a_writer_of_its_own_is_published(tmp_path: Path) -> None:
    (tmp_path / "draft").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "old").touch()
    publish(tmp_path / "draft", tmp_path / "target")
    assert names(tmp_path) == ["target"]
    assert names(tmp_path / "target") == []


def test_a_file_system_without_locks_is_written_and_nothing_is_called_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(lock: object, **_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("ner_lightning.storage.atomic.FileLock.acquire", no_locks)
    (tmp_path / ".a.abcdefgh.part").mkdir()
    write_text(tmp_path / "a", "text")
    assert names(tmp_path) == [".a.abcdefgh.part", "a"]


def test_a_lock_that_fails_for_another_reason_is_no_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(lock: object, **_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("ner_lightning.storage.atomic.FileLock.acquire", broken)
    with pytest.raises(NotImplementedError):
        write_text(tmp_path / "a", "text")


def test_it_is_quick(tmp_path: Path) -> None:
    started = time.monotonic()
    for number in range(20):
        write_text(tmp_path / "a", str(number))
    assert time.monotonic() - started < 20, "a manifest is written at every change of a job"
