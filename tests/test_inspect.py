"""The command `inspect`: what it prints and writes, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import DictConfig

from ner_lightning.command_line.arguments import parse
from ner_lightning.command_line.preflight import preflight
from ner_lightning.errors import UserError
from ner_lightning.inspect import inspect, main
from tests.runs import EASY, composed, write_corpus

ROOT = Path(__file__).parents[1]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus", train=EASY, dev=["Ann/B-PER ran"], test=[EASY[0], "Ann/B-CUP ran", "new"])


def config_of(corpus: Path, *overrides: str) -> DictConfig:
    return composed("inspect", corpus.parent, "data=conll", f"data.dir={corpus}", *overrides)


def test_the_report_is_printed_and_written(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, html = tmp_path / "report.json", tmp_path / "report.html"
    main(config_of(corpus, f"output={output}", f"html={html}", "inspection.rare=1", "inspection.listed=1"))
    shown = capsys.readouterr().out
    assert f"data: {corpus}\n" in shown
    assert "leakage" in shown
    report = json.loads(output.read_text(encoding="utf-8"))
    assert report["splits"]["test"]["sentences"] == 3
    assert report["failed"] == []
    findings = {finding["name"]: finding for finding in report["findings"]}
    assert [len(findings[name]["rows"]) for name in ("leakage", "rare")] == [1, 0]
    assert "<title>Data report: corpus</title>" in html.read_text(encoding="utf-8")


def test_json_alone_on_standard_output(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(config_of(corpus, "output=-"))
    assert json.loads(capsys.readouterr().out)["data"] == str(corpus)


def test_reasons_to_fail(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "report.json"
    with pytest.raises(SystemExit) as left:
        main(config_of(corpus, "fail_on=[leakage,conflicts,foreign,illegal]", f"output={output}"))
    assert left.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "leakage: test in train 1 of 3 (33.3 %) sentences, limit 0 %",
        "conflicts: all splits 1 of 2 (50 %) repeated texts, limit 0 %",
        "foreign: test 1 of 3 (33.3 %) mentions, limit 0 %",
    ]
    assert json.loads(output.read_text())["failed"] == ["leakage", "conflicts", "foreign"]
    main(config_of(corpus, "fail_on=[leakage]", "inspection.limits.leakage=0.5"))


def test_what_cannot_be_written_is_said(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, reason in (
        ("file/r.html", "not a directory"),
        ("corpus", "is a directory"),
        ("n" * 256, "file name too long"),
    ):
        with pytest.raises(UserError, match=rf"html=.*{name}: cannot be written \({reason}\)"):
            inspect(config_of(corpus, f"html={tmp_path / name}"))


@pytest.mark.parametrize("more", [(), ("data.splits={dev: 0.2}",)])
def test_a_corpus_is_not_replaced_by_what_is_said_of_it(tmp_path: Path, more: tuple[str, ...]) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=EASY)
    before = (corpus / "train.conll").read_bytes()
    (tmp_path / "link").symlink_to(corpus / "train.conll")
    for key in ("output", "html"):
        for name in (corpus / "train.conll", tmp_path / "link"):
            with pytest.raises(UserError, match=rf"^{key}=.*: this is what is read \(data"):
                inspect(config_of(corpus, f"{key}={name}", *more))
    with pytest.raises(UserError, match=r"^html=.*: this is output=.* too"):
        inspect(config_of(corpus, f"output={tmp_path / 'r'}", f"html={tmp_path / 'r'}", *more))
    assert (corpus / "train.conll").read_bytes() == before
    for _ in range(2):  # a report beside the corpus is no part of it
        inspect(config_of(corpus, f"html={corpus / 'report.html'}", "output=/dev/null", *more))
    assert Path("/dev/null").is_char_device()


def test_texts_and_annotations_of_brat_are_not_replaced(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / "corpus" / split).mkdir(parents=True)
        (tmp_path / "corpus" / split / "a.txt").write_text("Ann left.\n")
        (tmp_path / "corpus" / split / "a.ann").write_text("T1\tPER 0 3\tAnn\n")
    words = ("data=brat", f"data.dir={tmp_path / 'corpus'}")
    with pytest.raises(UserError, match=r"^html=.*a\.ann: this is what is read \(data"):
        inspect(composed("inspect", tmp_path, *words, f"html={tmp_path / 'corpus' / 'dev' / 'a.ann'}"))


def test_an_encoder_is_chosen_as_in_training(corpus: Path, tiny_encoder: Path) -> None:
    found = inspect(config_of(corpus, "model/encoder=minilm", f"model.encoder.name={tiny_encoder}"))
    assert found.encoder == {"name": str(tiny_encoder), "window": 62}
    assert found.finding("unknown").parts


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fail_on=[leek]"], "fail_on"),
        (["fail_on=leakage"], "inspection.fail_on=leakage: expected"),
        (["inspection.limits.leek=0.1"], "did you mean inspection.limits.leakage"),
        (["inspection.limits.leakage=much"], "inspection.limits.leakage=much: expected a number from 0 to 1"),
        (["data=conll"], "data.dir is not given: write data=conll data.dir=FOLDER"),
        (["model.encoder=minilm"], "model.encoder: there is no such key"),
    ],
)
def test_a_wrong_command_line_is_answered(words: list[str], message: str) -> None:
    def answer() -> None:
        preflight("inspect", parse(words))
        inspect(composed("inspect", ROOT, *words))

    with pytest.raises(UserError) as error:
        answer()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ner_lightning.inspect", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "train.conll").write_text("a B-PER\nb\n")
    result = run("data=conll", "data.dir=corpus", folder=tmp_path)
    assert result.returncode == 2
    assert "train.conll:2: expected 2 columns" in result.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--help"], 0, "Inspect a corpus before training"),
        (["fail_onn=[leakage]"], 2, "did you mean fail_on"),
        (["fail_on=[leakage]", "limit"], 2, "limit"),
        (["fail_on=[leakage]"], 1, "leakage: "),
        ([], 0, "mentions by type"),
    ],
)
def test_the_process(words: list[str], code: int, told: str, tmp_path: Path, corpus: Path) -> None:
    """Without an encoder nothing imports torch, whatever the command does."""
    given = [] if code == 2 or "--help" in words else ["data=conll", f"data.dir={corpus}"]
    result = run(*words, *given, folder=tmp_path)
    assert result.returncode == code
    imported = {
        line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time")
    }
    assert "hydra" in imported
    assert not {"torch", "pytorch_lightning", "lightning_fabric", "transformers"} & imported
    said = [line for line in result.stderr.splitlines() if not line.startswith("import time")]
    assert told in (result.stdout if code == 0 else "\n".join(said))
    assert len(said) == (code != 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]  # no folder of a run, no log file
