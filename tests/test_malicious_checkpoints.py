"""Checkpoints made to harm, or damaged, through the real commands: one sentence each, and nothing is run."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fuzz.forks import import_everything, run_command
from tests.fuzz.test_fuzz import finished_run


class Payload:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def _pickled(path: Path, mark: Path, _: bytes) -> None:
    path.write_bytes(pickle.dumps({"state_dict": Payload(mark)}))


def _saved(path: Path, mark: Path, _: bytes) -> None:
    torch.save({"state_dict": {}, "ner_lightning": Payload(mark)}, path)


def _saved_the_old_way(path: Path, mark: Path, _: bytes) -> None:
    torch.save({"state_dict": {}, "ner_lightning": Payload(mark)}, path, _use_new_zipfile_serialization=False)


def _added(path: Path, mark: Path, honest: bytes) -> None:
    """An honest checkpoint whose pickle is another."""
    path.write_bytes(honest)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in parts if name.endswith("data.pkl"))
    parts[name] = pickle.dumps(Payload(mark), protocol=2)
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


def _cut(path: Path, _: Path, honest: bytes) -> None:
    path.write_bytes(honest[: len(honest) // 2])


def _of_something_else(path: Path, _: Path, __: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")


def _empty(path: Path, _: Path, __: bytes) -> None:
    path.write_bytes(b"")


def _text(path: Path, _: Path, __: bytes) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")


MADE = [_pickled, _saved, _saved_the_old_way, _added, _cut, _of_something_else, _empty, _text]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The folder of a finished run."""
    import_everything()
    return finished_run(tmp_path_factory.mktemp("run"), tiny_encoder)


COMMANDS = ("predict", "evaluate", "train", "train a folder")
TRIED = [*((command, make) for command in COMMANDS for make in MADE), ("reproduce", _saved)]


@pytest.mark.parametrize(("command", "make"), TRIED, ids=lambda value: getattr(value, "__name__", value).strip("_"))
def test_nothing_is_run(
    command: str, make: Callable[[Path, Path, bytes], None], run: Path, tmp_path: Path, tiny_encoder: Path
) -> None:
    theirs, mark = tmp_path / "theirs", tmp_path / "mark"
    (theirs / "checkpoints").mkdir(parents=True)
    honest = (run / "checkpoints" / "best.ckpt").read_bytes()
    for name in ("best.ckpt", "last.ckpt"):
        make(theirs / "checkpoints" / name, mark, honest)
    for file in run.glob("*.*"):
        (theirs / file.name).write_bytes(file.read_bytes())
    (tmp_path / "text.txt").write_text("Ann Lee lives in Oslo .\n", encoding="utf-8")
    last = theirs / "checkpoints" / "last.ckpt"
    data = ["data=conll", f"data.dir={run.parent / 'corpus'}", "data.cache=null"]
    training = [
        *data,
        f"model.encoder.name={tiny_encoder}",
        "trainer.max_epochs=5",
        "trainer.enable_progress_bar=false",
    ]
    words = {
        "predict": [f"ckpt={theirs}", "input=text.txt", "output=out.jsonl", "device=cpu"],
        "evaluate": [f"ckpt={theirs}", *data],
        "train": [f"ckpt_path={last}", *training],
        "train a folder": [f"ckpt_path={theirs}", *training],
        "reproduce": [str(run), "output=again", f"ckpt_path={last}"],
    }[command]
    ended = run_command(command.partition(" ")[0], words, tmp_path, seconds=60, gibibytes=8)
    assert not mark.exists()
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err + ended.out
    assert "weights_only" not in ended.err
    *_, sentence = [line for line in ended.err.strip().splitlines() if "second run failed" not in line]
    assert str(theirs) in sentence
    assert not (tmp_path / "out.jsonl").exists()


def test_a_payload_is_one(tmp_path: Path) -> None:
    """The test above can fail: unpickled, the files do what they were made to do."""
    for make in MADE[:3]:
        mark = tmp_path / make.__name__
        make(tmp_path / "x.ckpt", mark, b"")
        if make is _pickled:
            pickle.loads((tmp_path / "x.ckpt").read_bytes())
        else:
            torch.load(tmp_path / "x.ckpt", weights_only=False)
        assert mark.is_dir()
