"""Hostile files and damaged folders through the real commands: no trace, no hang, no flood, no lie.

`make test` draws a few dozen, `make test-slow` takes all; `python -m tests.fuzz.test_fuzz` prints the table of
`docs/security.md`.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from ner_lightning.sweep.manifest import About, Job, Manifest
from tests.fuzz.damage import damages
from tests.fuzz.forks import import_everything
from tests.fuzz.inputs import HONEST, Hostile, hostile_files
from tests.fuzz.trial import Tally, try_command
from tests.runs import EASY, LEARN, trained, write_corpus
from tests.tiny import write_tiny_encoder


def quoted(path: Path) -> str:
    """A path as a word of Hydra's."""
    return "'" + str(path).replace("\\", "\\\\").replace("'", "\\'") + "'"


def fuzz_files(folder: Path, checkpoint: Path, share: float) -> Tally:
    """Give hostile files to the commands that read files."""
    tally, draw = Tally(), random.Random(1)
    for number, hostile in enumerate(hostile_files()):
        for command in ("convert", "inspect", "predict"):
            if draw.random() < share:
                home = folder / f"{number}_{command}"
                home.mkdir()
                _try_file(command, hostile, home, checkpoint, tally)
                shutil.rmtree(home)
    return tally


def _try_file(command: str, hostile: Hostile, home: Path, checkpoint: Path, tally: Tally) -> None:
    corpus = home / "corpus"
    corpus.mkdir()
    path = hostile.write(corpus)
    words = {
        "convert": [f"input={quoted(path)}", "output=out.jsonl", "report=report.json"],
        "predict": [f"ckpt={checkpoint}", f"input={quoted(path)}", "output=out.jsonl", "device=cpu"],
        "inspect": [
            "data.cache=null",
            f"data.dir={corpus}",
            f"data.train={quoted(path)}",
            "html=out.html",
            *_reader(path),
        ],
    }[command]
    about = f"{hostile.name!r} ({hostile.deed})"
    ended = try_command(command, words, about, home, tally, kept=[path])
    if ended.code == 2 and (home / "out.jsonl").exists():
        tally.wrong.append(f"{command} {about}: refused, and wrote its output all the same")
    if ended.code == 0 and command != "inspect" and not (home / "out.jsonl").exists():
        tally.wrong.append(f"{command} {about}: done, without its output")


def _reader(path: Path) -> list[str]:
    name = path.name.removesuffix(".gz")
    kinds = {"iob2": "iob2", "conllu": "conllu", "prodigy": "prodigy", "label_studio": "label_studio"}
    kinds |= {"doccano": "doccano", "gliner": "gliner", "spacy_v2": "spacy_v2"}
    kind = kinds.get(path.name.split(".")[0]) or kinds.get(name.rpartition(".")[2])
    kind = kind or ("jsonl" if name.endswith((".json", ".jsonl")) else "conll")
    return [f"data={kind}", "data.dev=null", "data.test=null", "data.cache=null"]


def fuzz_folders(folder: Path, run: Path, sweep: Path, share: float) -> Tally:
    """Damage run folders and sweeps, and give them to the commands that read those."""
    tally, draw = Tally(), random.Random(2)
    text = folder / "text.txt"
    text.write_text("Ann Lee lives in Oslo .\n", encoding="utf-8")
    for number, damage in enumerate(damages(run)):
        for command in ("predict", "compare", "evaluate", "reproduce"):
            is_config = damage.file in ("config.yaml", "run.json", "result.json")
            if draw.random() >= share or (command == "reproduce" and not is_config):
                continue
            home = folder / f"{number}_{command}"
            shutil.copytree(run, home / "run")
            damage.do(home / "run")
            words = {
                "predict": ["ckpt=run", f"input={text}", "output=out.jsonl", "device=cpu"],
                "evaluate": ["ckpt=run", "data=conll", f"data.dir={run.parent / 'corpus'}", "data.cache=null"],
                "compare": ["run", str(run), "output=-", "samples=200", "figures=false"],
                "reproduce": ["run", "--against", str(run)],
            }[command]
            try_command(command, words, f"{damage.file} ({damage.deed})", home, tally, kept=[text])
            shutil.rmtree(home)
    for number, damage in enumerate(damages(sweep)):
        if draw.random() < share and ("sweep" in damage.file or "manifest" in damage.file):
            home = folder / f"sweep_{number}"
            shutil.copytree(sweep, home / "sweep")
            damage.do(home / "sweep")
            for command in ("sweep_status", "compare"):
                words = ["sweep", *(["output=-", "samples=200", "figures=false"] if command == "compare" else [])]
                try_command(command, words, f"{damage.file} ({damage.deed})", home, tally, kept=[])
            shutil.rmtree(home)
    return tally


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The folder of a finished run."""
    return finished_run(tmp_path_factory.mktemp("run"), tiny_encoder)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Path:
    """The folder of a finished sweep."""
    return finished_sweep(tmp_path_factory.mktemp("sweep") / "sweep", run)


def finished_run(folder: Path, encoder: Path) -> Path:
    """Train a run on a few easy sentences."""
    corpus = write_corpus(folder / "corpus", train=EASY, dev=EASY[:9], test=EASY[:9])
    trained(folder, encoder, "data=conll", f"data.dir={corpus}", "data.cache=null", *LEARN)
    (folder / "run/checkpoints/last.ckpt").unlink(missing_ok=True)
    return folder / "run"


def finished_sweep(folder: Path, run: Path) -> Path:
    """A sweep of two jobs that have ended, each with its run."""
    folder.mkdir(parents=True)
    manifest = Manifest(folder)
    manifest.describe(About("fuzz", varied=("seed",)))
    jobs = [Job(f"seed-{seed}", (f"seed={seed}",), "finished", {"val/f1": 0.5}, attempts=1) for seed in (1, 2)]
    manifest.register(jobs)
    for job in jobs:
        shutil.copytree(run, folder / job.job)
    return folder


@pytest.mark.parametrize("share", [0.04, pytest.param(1.0, marks=pytest.mark.slow)])
def test_hostile_files(tmp_path: Path, run: Path, share: float) -> None:
    import_everything()
    tally = fuzz_files(tmp_path, run, share)
    assert sum(tally.ends.values()) >= 1300 * share
    assert not tally.wrong, "\n".join(tally.wrong)


@pytest.mark.parametrize("share", [0.04, pytest.param(1.0, marks=pytest.mark.slow)])
def test_damaged_folders(tmp_path: Path, run: Path, sweep: Path, share: float) -> None:
    import_everything()
    tally = fuzz_folders(tmp_path, run, sweep, share)
    assert sum(tally.ends.values()) >= 300 * share
    assert not tally.wrong, "\n".join(tally.wrong)


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    """An honest file is no fault; an exception, a hang and a changed input are."""
    import_everything()
    kept = tmp_path / "a.conll"
    kept.write_text(HONEST["a.conll"], encoding="utf-8")
    tally = Tally()
    try_command("convert", [f"input={kept}", "output=out.jsonl"], "honest", tmp_path, tally, [kept])
    assert not tally.wrong
    with patch.dict(sys.modules, {"ner_lightning.convert": SimpleNamespace(main=lambda: 1 / 0)}):
        try_command("convert", [], "raises", tmp_path, tally, [kept])
    with patch.dict(sys.modules, {"ner_lightning.convert": SimpleNamespace(main=lambda: kept.unlink())}):
        try_command("convert", [], "removes", tmp_path, tally, [kept])
    with (
        patch.dict(sys.modules, {"ner_lightning.convert": SimpleNamespace(main=lambda: time.sleep(60))}),
        patch("tests.fuzz.trial.SECONDS", 1),
    ):
        try_command("convert", [], "hangs", tmp_path, tally, [])
    assert [line.split(":")[0] for line in tally.wrong] == [
        "convert raises",
        "convert raises",
        "convert removes",
        "convert hangs",
    ]


if __name__ == "__main__":
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        finished = finished_run(home / "made", write_tiny_encoder(home / "encoder"))
        import_everything()
        (home / "files").mkdir()
        (home / "folders").mkdir()
        for tally in (
            fuzz_files(home / "files", finished, share),
            fuzz_folders(home / "folders", finished, finished_sweep(home / "sweep", finished), share),
        ):
            sys.stdout.write(tally.table() + "\n\n" + "".join(f"- {line}\n" for line in tally.wrong))
            sys.stdout.flush()
