import os
from pathlib import Path

import pytest

from ner_lightning.errors import UserError
from ner_lightning.storage.outputs import check_outputs, explain_os_errors


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.txt"
    path.write_text("text")
    return path


def test_what_is_read_is_not_written_under_any_name(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = source.parent
    os.link(source, folder / "hard")
    (folder / "soft").symlink_to(source)
    (folder / "loop").symlink_to(folder)
    monkeypatch.chdir(folder)
    for name in ("in.txt", "./in.txt", folder / "hard", folder / "soft", folder / "loop" / "in.txt"):
        with pytest.raises(UserError, match=rf"^output={name}: this is what is read \(input"):
            check_outputs({"output": name}, {"input": source})
    monkeypatch.setenv("HOME", str(folder))
    with pytest.raises(UserError, match="this is what is read"):
        check_outputs({"output": "~/in.txt"}, {"input": source})


def test_two_outputs_are_two_places(source: Path) -> None:
    for name in (source, source.parent / "new", "-"):
        with pytest.raises(UserError, match=rf"^report={name}: this is output={name} too"):
            check_outputs({"output": name, "report": name}, {})


def test_devices_pipes_and_nothing_are_left_alone(source: Path) -> None:
    check_outputs({"output": "/dev/null", "report": "/dev/null", "html": None}, {"input": "/dev/null"})
    check_outputs({"output": "-"}, {"input": "-", "data": None})
    check_outputs({"output": source.parent / "other"}, {"input": source})


def test_an_error_of_the_system_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"^output=x: cannot be written \(is a directory\); name a file in a folder"),
        explain_os_errors("output", "x"),
    ):
        tmp_path.write_text("text")
