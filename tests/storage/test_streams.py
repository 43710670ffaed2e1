import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ner_lightning.storage.atomic import draft, write_text
from ner_lightning.storage.streams import descriptor_of, is_stream

WRITE = "import sys; from ner_lightning.storage.atomic import write_text; write_text(sys.argv[1], 'text\\n')"


def test_a_pipe_is_written_through_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "ä\n")
    reader.join(10)
    assert read == ["ä\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with draft(pipe) as path:
        path.write_text("by path")
    reader.join(10)
    assert read[1] == "by path"
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]


def test_a_device_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    for name in ("/dev/null", link):
        write_text(name, "text")
        assert stat.S_ISCHR(Path(name).stat().st_mode)
    with pytest.raises(OSError, match="No space left"):
        write_text("/dev/full", "text")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_what_stands_behind_a_redirection_goes_on(tmp_path: Path, name: str) -> None:
    """`(echo before; command output=/dev/stdout) >> log` loses neither what was there nor what comes after."""
    log = tmp_path / "log"
    log.write_text("before\n")
    with log.open("a") as stream:
        subprocess.run([sys.executable, "-c", WRITE, name], stdout=stream, check=True)
        stream.write("after\n")
    assert log.read_text() == "before\ntext\nafter\n"


def test_links_lead_to_descriptors_and_loops_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "to").symlink_to("/dev/stderr")
    assert descriptor_of(tmp_path / "to") == 2
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert descriptor_of(tmp_path / "loop") is None
    assert not is_stream(tmp_path / "loop")
    assert not is_stream(tmp_path / "no" / "such")
    assert not is_stream(tmp_path / "1")
