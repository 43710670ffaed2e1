"""The command that converts, in this process and as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import DictConfig, open_dict

from ner_lightning.command_line.compose import compose, hydra_session
from ner_lightning.config.targets import ALLOW
from ner_lightning.convert import convert, main
from ner_lightning.errors import DataError
from tests.conf.tree import CONF
from tests.test_readme import fences

COLUMNS = "Ann\tB-PER\nLee\tI-PER\nleft\tO\n\n"
RECORD = {"text": "Ann Smiths", "label": [[4, 9, "PER"]]}


def composed(*overrides: str) -> DictConfig:
    with hydra_session("convert") as hydra:
        config = compose(hydra, "convert", ["paths.outputs=.", "paths.output_dir=.", *overrides])
    with open_dict(config):
        del config["hydra"]
    return config


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text(json.dumps(RECORD) + "\n")
    return tmp_path / "a.jsonl"


def test_the_options_of_both_sides(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.conll"
    overrides = [f"input={source}", f"output={target}", "from=jsonl", "to=conll", "to.scheme=BIOES"]
    assert convert(composed(*overrides)).report.misaligned == 1
    assert target.read_text() == "Ann\tO\nSmiths\tS-PER\n\n"
    convert(composed(*overrides, "from.misaligned=drop", "force=true"))
    assert target.read_text() == "Ann\tO\nSmiths\tO\n\n"
    with pytest.raises(DataError, match=r"a\.jsonl:1: expected a span of whole words"):
        convert(composed(f"input={source}", "from.misaligned=error"))


def test_a_sentence_of_too_many_words_is_refused_by_the_key_that_allows_it(source: Path) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl:1: .* at most 1 words, .* longest_sentence=NUMBER"):
        convert(composed(f"input={source}", "longest_sentence=1"))
    assert convert(composed(f"input={source}", "longest_sentence=null")).report.sentences == 1


def test_the_report_is_shown_on_stderr(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(composed(f"input={source}", f"output={tmp_path / 'b.conll'}"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "misaligned" in err
    assert "a.jsonl:1: PER [4, 9) 'Smith' lies inside a word: widened to 'Smiths' (snap)" in err


@pytest.mark.parametrize("option", sorted(path.stem for path in (CONF / "data/reader").glob("*.yaml")))
def test_every_reader_of_a_corpus_is_a_reader_here(option: str) -> None:
    whole = composed(f"from={option}", "input=-")
    with hydra_session("train") as hydra:
        corpus = compose(hydra, "train", ["data=conll", f"data/reader={option}"])
    assert whole["from"] == corpus.data.reader


PAGE = (CONF.parent / "docs/extending.md").read_text(encoding="utf-8")
(MINE,) = [block for block in fences(PAGE, "python") if "class SlashReader" in block]


def started(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; import ner_lightning.convert as c; sys.argv[0] = 'convert'\n"
        "try: c.main()\n"
        "finally: sys.stderr.write('torch' * ('torch' in sys.modules))"
    )
    path = f"{cwd}:{CONF.parent}"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=cwd, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": path, "HOME": str(cwd), **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_reader_of_ones_own(tmp_path: Path) -> None:
    """That of docs/extending.md, not installed: a class, a YAML, and leave to use it."""
    (tmp_path / "my_package.py").write_text(MINE)
    (tmp_path / "conf/from").mkdir(parents=True)
    (tmp_path / "conf/from/slash.yaml").write_text("_target_: my_package.SlashReader\nseparator: /\n")
    (tmp_path / "a.slash").write_text("Ann/PER left/O\nOslo/LOC\n")
    words = ["--config-dir", "conf", "from=slash", "input=a.slash", "output=b.conll"]
    refused = started(*words, cwd=tmp_path)
    assert refused.returncode == 2
    assert "my_package.SlashReader is not allowed" in refused.stderr
    assert not (tmp_path / "b.conll").exists()
    done = started(*words, cwd=tmp_path, **{ALLOW: "my_package."})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.conll").read_text() == "Ann\tB-PER\nleft\tO\n\nOslo\tB-LOC\n\n"
    assert not done.stderr.endswith("torch")
    (tmp_path / "conf/from/mine.yaml").write_text("_target_: my_package.SlashReader\n")
    told = started("from._target_=my_package.SlashReader", "input=a.slash", cwd=tmp_path, **{ALLOW: "my_package."})
    assert told.stderr == (
        "from.words: SlashReader takes no words; it is a key of the from that is chosen; write FOLDER/from/mine.yaml "
        "with the line _target_: my_package.SlashReader, and --config-dir FOLDER from=mine.\n"
    )
    words = ["--config-dir", "conf", "from=mine", "input=a.slash"]
    assert started(*words, cwd=tmp_path, **{ALLOW: "my_package."}).returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["output=b.jsonl"], "input is not given: write input=FILE"),
        (["input=no.conll"], "input=no.conll: there is no such file"),
        (["input=a.jsonl", "from=xml"], "xml"),
        (["input=a.jsonl", "from=jsonl", "from.misaligned=fix"], "from.misaligned=fix: expected one of snap"),
        (["input=a.jsonl", "to.skheme=IO"], "skheme"),
        (["input=a.jsonl", "from=null"], "from=null: from takes the name of an option: one of auto, brat"),
        (["input=a.jsonl", "output=a.jsonl"], "output=a.jsonl: this is what is read"),
        (["input=."], "expected a file, or a folder of brat or Hugging Face, found a folder with a.jsonl"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_one_sentence(source: Path, tmp_path: Path, words: list[str], message: str) -> None:
    done = started(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.removesuffix("torch").strip().splitlines()) == 1
    assert not done.stderr.endswith("torch")


def test_help_imports_no_torch(tmp_path: Path) -> None:
    done = started("--help", cwd=tmp_path)
    assert "from=label_studio from.misaligned=drop to=conll" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
