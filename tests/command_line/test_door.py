"""The door as a user meets it: processes, what they print, and the code they leave with."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs import write_corpus

ROOT = Path(__file__).parents[2]
FEW_SECONDS = 20  # on a loaded machine; alone it is one

# A command with the real configuration and a body that does what WHAT says.
COMMAND = '''
import logging, os
logging.getLogger("pytorch_lightning").addHandler(logging.StreamHandler())  # as Lightning does when imported early
logging.getLogger("pytorch_lightning").propagate = False
from ner_lightning.command_line.door import door
from ner_lightning.errors import UserError

class SIGTERMException(SystemExit):
    """As pytorch_lightning.utilities.exceptions has it."""

@door("train")
def main(cfg):
    what = os.environ.get("WHAT")
    logging.getLogger("pytorch_lightning.trainer").warning("a line of Lightning's")
    logging.getLogger("ner_lightning.x").warning("a line of ours")
    if what == "user" or (what == "second" and cfg.seed == 2):
        raise UserError("corpus.conll:3: expected 2 columns, found 1.")
    if what == "defect" or (what == "second defect" and cfg.seed == 2):
        return [][cfg.seed]
    if what == "full":
        raise OSError(28, "No space left on device", "run/last.ckpt")
    if what == "interrupt":
        raise KeyboardInterrupt
    if what == "lightning's interrupt":
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise SystemExit(1)
    if what == "terminate":
        raise SIGTERMException
    if what == "broken elsewhere":
        raise BrokenPipeError("the service is gone")
    if what == "lines":
        for number in range(100_000):
            print(number)
    if what == "table":
        import rich
        for number in range(1000):
            rich.print(number)
    print("done", cfg.name, cfg.seed)

if __name__ == "__main__":
    main()
'''

Result = subprocess.CompletedProcess[str]
Call = Callable[..., Result]


def run(*words: str, folder: Path, **environment: str) -> Result:
    inherited = {
        key: value for key, value in os.environ.items() if key not in ("RANK", "LOCAL_RANK", "HYDRA_FULL_ERROR")
    }
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Run the command of this file from an empty folder."""
    (tmp_path / "train.py").write_text(COMMAND, encoding="utf-8")

    def answer(*words: str, **environment: str) -> Result:
        return run("train.py", *words, folder=tmp_path, **environment)

    return answer


def logs(folder: Path) -> list[str]:
    return [file.read_text(encoding="utf-8") for file in sorted(folder.glob("outputs/**/run.log"))]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--help"], 0, "Train a tagger"),
        (["--cfg", "job"], 0, "_target_: ner_lightning.model.decoder.crf.CRF"),
        (["optim.encoder_lrr=1"], 2, "did you mean optim.encoder_lr?"),
        (["data=conll"], 2, "data.dir is not given: write data=conll data.dir=FOLDER."),
    ],
)
def test_what_needs_no_torch_imports_none_and_is_quick(words: list[str], code: int, told: str, tmp_path: Path) -> None:
    started = time.monotonic()
    result = run("-X", "importtime", "-m", "ner_lightning.train", *words, folder=tmp_path)
    assert time.monotonic() - started < FEW_SECONDS
    assert result.returncode == code
    imported = {
        line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")
    }
    assert "hydra" in imported
    assert not {"torch", "numpy", "pytorch_lightning", "lightning_fabric", "transformers"} & imported
    said = [line for line in result.stderr.splitlines() if not line.startswith("import time:")]
    assert told in (result.stdout if code == 0 else "\n".join(said))
    assert len(said) == (code != 0)
    assert not (tmp_path / "outputs").exists()


def test_a_run(call: Call, tmp_path: Path) -> None:
    result = call("+experiment=softmax", "--config-dir", str(tmp_path), "seed=3")
    assert (result.returncode, result.stderr) == (0, "")
    assert "done softmax 3" in result.stdout
    (log,) = logs(tmp_path)
    assert [line[11:] for line in log.splitlines()] == ["a line of Lightning's", "a line of ours"]


def test_an_error_of_the_users_is_one_sentence(call: Call, tmp_path: Path) -> None:
    result = call(WHAT="user")
    assert result.returncode == 2
    assert result.stderr == "corpus.conll:3: expected 2 columns, found 1.\n"
    assert "corpus.conll:3: expected 2 columns" in logs(tmp_path)[0]


@pytest.mark.parametrize("words", [[], ["seedd=1"]])
def test_its_trace_can_be_asked_for(words: list[str], call: Call) -> None:
    result = call(*words, WHAT="user", HYDRA_FULL_ERROR="1")
    assert result.returncode == 2
    assert "Traceback" in result.stderr
    assert "UserError: " in result.stderr


def test_a_defect_keeps_its_whole_trace(call: Call, tmp_path: Path) -> None:
    result = call(WHAT="defect")
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")
    assert "return [][cfg.seed]" in result.stderr
    assert result.stderr.endswith("IndexError: list index out of range\n")
    assert "IndexError" in logs(tmp_path)[0]


@pytest.mark.parametrize(
    ("what", "code"), [("interrupt", 130), ("lightning's interrupt", 130), ("terminate", 143)], ids=lambda v: str(v)
)
def test_signals_leave_with_their_code(what: str, code: int, call: Call) -> None:
    result = call(WHAT=what)
    assert result.returncode == code
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("second", "corpus.conll:3: expected 2 columns, found 1.\n"),
        ("second defect", "IndexError: list index out of range\n"),
    ],
)
def test_a_sweep_goes_on_after_a_failure(what: str, told: str, call: Call, tmp_path: Path) -> None:
    """A command whose runs share a process; those of train have one each, see tests/sweep."""
    text = COMMAND.replace('door("train")', 'door("evaluate")').replace("cfg.seed == 2", 'cfg.split == "dev"')
    text = text.replace("cfg.name, cfg.seed", "cfg.split").replace("[][cfg.seed]", "[][0]")
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    result = call("-m", "ckpt=train.py", "split=test,dev", WHAT=what)
    assert "done test" in result.stdout
    assert "done dev" not in result.stdout
    assert result.returncode == 1
    assert result.stderr.count(told) == 1
    assert "Run 1 (ckpt=train.py,split=dev) failed, see above." in result.stderr


def test_a_sweep_with_one_bad_value_does_not_start(call: Call, tmp_path: Path) -> None:
    result = call("-m", "seed=1,2,x")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "seed=x: expected a whole number from 0 on.\n"
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(("what", "code"), [("", 0), ("user", 2)])
def test_a_further_process_of_a_ddp_run_keeps_quiet(what: str, code: int, call: Call, tmp_path: Path) -> None:
    """As Lightning starts it: the user's words, then its own overrides, with the folder of the first process."""
    appended = ['hydra.run.dir="outputs/first"', "hydra.job.name=train_ddp_process_1", "hydra.output_subdir=null"]
    typed = ["+experiment=crf", "--config-dir", str(tmp_path), "seed=5"]
    result = call(*typed, *appended, LOCAL_RANK="1", WHAT=what)
    assert (result.returncode, result.stderr) == (code, "")
    assert result.stdout == ("" if what else "done crf 5\n")
    assert [folder.name for folder in (tmp_path / "outputs").iterdir()] == ["first"]
    assert logs(tmp_path) == [""]


def test_a_defect_in_a_further_process_is_shown(call: Call) -> None:
    result = call("hydra.run.dir=outputs/first", LOCAL_RANK="1", WHAT="defect")
    assert result.returncode == 1
    assert "IndexError" in result.stderr


def test_a_function_behind_the_door_can_be_called(tmp_path: Path) -> None:
    from omegaconf import OmegaConf

    from ner_lightning.command_line.door import door

    @door("train")
    def double(cfg: object) -> int:
        return 2 * cfg.seed  # type: ignore[attr-defined]

    assert double(OmegaConf.create({"seed": 3})) == 6


@pytest.mark.slow
def test_the_wheel_brings_its_configuration(tmp_path: Path) -> None:
    """Installed into an environment that sees the packages of this one, run from another folder."""
    build = run(
        "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(ROOT), folder=tmp_path
    )
    assert build.returncode == 0, build.stdout + build.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    install = run("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel), folder=tmp_path)
    assert install.returncode == 0, install.stderr
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (site / "these.pth").write_text("\n".join(packages))

    mine = tmp_path / "elsewhere" / "mine"
    (mine / "data").mkdir(parents=True)
    (mine / "data" / "news.yaml").write_text("defaults: [corpus, {reader: conll}, _self_]\ndir: sample:en\n")
    (mine / "experiment").mkdir()
    (mine / "experiment" / "news.yaml").write_text(
        "# @package _global_\ndefaults: [{override /data: news}]\nname: news\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def installed(*words: str) -> Result:
        return subprocess.run(
            [tmp_path / "venv" / "bin" / "python", "-m", "ner_lightning.train", *words],
            cwd=mine.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    where = subprocess.run(
        [tmp_path / "venv" / "bin" / "python", "-c", "import ner_lightning; print(ner_lightning.__file__)"],
        cwd=mine.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    shown = installed("--cfg", "job")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "name: crf" in shown.stdout
    shown = installed("+experiment=news", "--config-dir", "mine", "--cfg", "job")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "name: news" in shown.stdout
    assert "dir: sample:en" in shown.stdout
    assert "did you mean optim.encoder_lr" in installed("optim.encoder_lrr=1").stderr


def test_warnings_and_tables_stand_in_the_log_too(tmp_path: Path, tiny_encoder: Path) -> None:
    sentences = ["Oslo/B-LOC", "Ann/B-PER likes Rome/B-LOC", *["一 二 三/B-PER"] * 4]
    corpus = write_corpus(tmp_path / "corpus", train=sentences, dev=sentences[:3], test=[*sentences, "x/B-EVENT"])
    words = ["-m", "ner_lightning.train", "data=conll", f"data.dir={corpus}", f"model.encoder.name={tiny_encoder}"]
    words += ["hydra.run.dir=run", "trainer.max_epochs=1", "trainer.precision=bf16-mixed", "optim.head_lr=1e-9"]
    answer = run(*words, folder=tmp_path, OMP_NUM_THREADS="1")
    assert answer.returncode == 0, answer.stderr
    log = (tmp_path / "run" / "run.log").read_text(encoding="utf-8")
    for said in (
        "test: entity types that the training data lack are counted as missed: EVENT (1)",
        "most words are single Chinese characters: set data.units=characters",
        f"next: python -m ner_lightning.predict ckpt={tmp_path / 'run'} input=FILE output=FILE",
    ):
        assert f"] {said}" in log
        assert said in answer.stdout
    for heading in ("optimiser", "test: entities, strict", "seqeval (test, mode=strict"):
        assert heading in log
    assert "seqeval" not in answer.stdout
    assert ".py:" not in answer.stdout + answer.stderr.replace("it/s", "")


def test_a_full_disk_is_one_sentence(call: Call) -> None:
    answer = call(WHAT="full")
    assert answer.returncode == 2
    assert answer.stderr.splitlines()[-1] == "run/last.ckpt: cannot be written (no space left on device)."
    assert "Traceback" not in answer.stderr + answer.stdout


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["train.py", "--help"], ""),
        (["train.py", "--cfg", "job"], ""),
        (["-m", "ner_lightning"], ""),
        (["train.py"], ""),
        (["train.py"], "lines"),
        (["train.py"], "table"),
    ],
)
def test_a_closed_pipe_is_no_fault(words: list[str], what: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(COMMAND, encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        command, environment = [sys.executable, *words], os.environ | {"PYTHONPATH": str(ROOT), "WHAT": what}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 141
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_pipe_that_is_closed_after_a_line(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(COMMAND, encoding="utf-8")
    line = f"set -o pipefail; {sys.executable} train.py 2>errors | tail -n +1 | head -1"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "WHAT": "lines"}
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, check=False, capture_output=True)
    assert done.returncode == 141
    assert "Traceback" not in (tmp_path / "errors").read_text()


def test_a_broken_pipe_to_anything_else_is_a_defect(call: Call) -> None:
    answer = call(WHAT="broken elsewhere")
    assert answer.returncode == 1
    assert "the service is gone" in answer.stderr
