"""docs/extending.md to the letter: its package is built, installed and used, and each of its commands is run."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
import torch

from ner_lightning.command_line.arguments import parse
from ner_lightning.command_line.preflight import preflight
from ner_lightning.config.targets import check_targets
from ner_lightning.errors import UserError
from ner_lightning.inference.tagger import Tagger
from ner_lightning.training.checkpoint import load
from tests.runs import EASY, evaluated, trained

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = re.findall(r"^`(\S+)`:\n\n```(?:python|yaml|toml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, block in BLOCKS if language == "bash" for line in block.splitlines()]
PACKAGE = "my_ner"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package of the page is installed as the page says, and nothing else."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    (source / PACKAGE).mkdir()
    (source / PACKAGE / "__init__.py").touch()
    for name, content in FILES:
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    (install,) = [command for command in COMMANDS if "pip install" in command]
    words = shlex.split(install.removeprefix("python "))
    run = [sys.executable, *words, "--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(site)]
    subprocess.run(run, cwd=source, check=True, timeout=300)
    return site


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def typed(beginning: str) -> list[str]:
    """The words of the one command of the page that begins so."""
    (command,) = [command for command in COMMANDS if command.startswith(f"python -m {beginning}")]
    return shlex.split(command)[3:]


def started(site: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": f"{site}:{ROOT}"}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def column(run: Path, key: str) -> list[float]:
    with (run / "metrics.csv").open() as file:
        return [float(row[key]) for row in csv.DictReader(file) if row.get(key)]


def test_the_package_is_installed_with_its_entry_points(site: Path) -> None:
    (found,) = distributions(path=[str(site)])
    assert {entry.group for entry in found.entry_points} == {
        f"ner_lightning.{group}" for group in ("targets", "conf", "commands")
    }


def test_every_python_file_is_where_the_page_says(site: Path) -> None:
    tree = next(block for language, block in BLOCKS if language == "text")
    named = {word for word in tree.split() if word.endswith((".py", ".yaml"))}
    there = {path.relative_to(site / PACKAGE) for path in (site / PACKAGE).rglob("*.*") if path.suffix != ".pyc"}
    assert {path.name if path.suffix == ".py" else str(path.relative_to("conf")) for path in there} == named


def test_every_file_of_the_page_is_named() -> None:
    assert len(FILES) == sum(language in ("python", "yaml", "toml") for language, _ in BLOCKS)


@pytest.mark.parametrize("command", ["train", "convert"])
def test_the_help_describes_each_option_of_the_page(command: str, site: Path, tmp_path: Path) -> None:
    told = started(site, f"ner_lightning.{command}", "--help", cwd=tmp_path).stdout
    named = [(Path(name), text.partition("\n")[0].removeprefix("# ")) for name, text in FILES if "/conf/" in name]
    groups = ("from",) if command == "convert" else ("decoder", "data", "task")
    for path, about in named:
        if path.parent.name in groups:
            assert re.search(rf"^ +{path.stem} +{re.escape(about)}$", told, re.MULTILINE), path


def test_a_decoder(installed: Path, tmp_path: Path, tiny_encoder: Path) -> None:
    result = trained(tmp_path, tiny_encoder, *typed("ner_lightning.train model/decoder"), "test=false")
    assert result["steps"] > 0
    tagger = Tagger.load(tmp_path / "run", device="cpu")
    assert type(tagger.model.decoder).__name__ == "Focal"
    assert tagger.model.decoder.gamma == 1.5
    assert isinstance(tagger("Ann lives in Oslo ."), list)


def test_the_loss_of_the_decoder_is_the_one_it_says(installed: Path) -> None:
    from importlib import import_module

    from ner_lightning.model.decoder.softmax import Softmax
    from ner_lightning.tagging.tagset import TagSet

    tags = TagSet(("PER",), "IOB2")
    focal, plain = import_module("my_ner.decoder").Focal, Softmax(tags)
    torch.manual_seed(0)
    emissions, gold = torch.randn(2, 4, 3), torch.randint(3, (2, 4))
    mask = torch.tensor([[True] * 4, [True] * 2 + [False] * 2])
    torch.testing.assert_close(focal(tags, gamma=0.0).loss(emissions, gold, mask), plain.loss(emissions, gold, mask))
    some = torch.rand(2, 4, 3) < 0.5
    some[..., 1] = True
    torch.testing.assert_close(
        focal(tags, gamma=0.0).loss(emissions, gold, mask, some), plain.loss(emissions, gold, mask, some)
    )
    p = plain.marginals(emissions, mask).gather(2, gold[..., None]).squeeze(2)
    expected = (-((1 - p) ** 2) * p.log()).masked_fill(~mask, 0).sum(1)
    torch.testing.assert_close(focal(tags).loss(emissions, gold, mask), expected)
    broken = emissions.masked_fill(~mask[..., None], torch.nan)
    torch.testing.assert_close(focal(tags).loss(broken, gold, mask), expected)
    assert focal(tags).decode(broken, mask).equal(plain.decode(emissions, mask))


def test_a_reader(installed: Path, tmp_path: Path, tiny_encoder: Path) -> None:
    for split in ("train", "dev"):
        lines = [
            " ".join(f"{word.partition('/')[0]}/{word.partition('-')[2] or 'O'}" for word in t.split()) for t in EASY
        ]
        (tmp_path / f"{split}.slash").write_text("\n".join(lines) + "\n")
    words = [word.replace("=DIR", f"={tmp_path}") for word in typed("ner_lightning.train data=slash")]
    result = trained(tmp_path, tiny_encoder, *words, "test=false", "data.limit=null")
    assert result["best"]["val/support"] == sum(text.count("B-") + text.count("I-") for text in EASY)


def test_a_reader_of_a_command_that_loads_no_torch(site: Path, tmp_path: Path) -> None:
    (tmp_path / "FILE").write_text("Ann/PER left/O\nOslo/LOC\n")
    done = started(site, "ner_lightning.convert", *typed("ner_lightning.convert"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "converted.conll").read_text() == "Ann\tB-PER\nleft\tO\n\nOslo\tB-LOC\n\n"


def test_a_reader_says_where_a_file_is_wrong(site: Path, tmp_path: Path) -> None:
    (tmp_path / "FILE").write_text("Ann/PER left/O\n\nBob/PER went\n")
    done = started(site, "ner_lightning.convert", *typed("ner_lightning.convert"), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "FILE:3: expected WORD/LABEL, found 'went'; add what is missing\n")
    (tmp_path / "FILE").write_text("Ann/PER left/O\n\nBob/PER went/O\n")
    done = started(site, "ner_lightning.convert", *typed("ner_lightning.convert"), "to=jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "converted.conll").read_text().splitlines()
    assert [json.loads(line)["words"] for line in written] == [["Ann", "left"], ["Bob", "went"]]


def test_a_metric(installed: Path, tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = typed("ner_lightning.train +task.metrics")
    result = trained(tmp_path, tiny_encoder, *words, "trainer.max_epochs=2", "optim.head_lr=0.01")
    best, run = result["best"], tmp_path / "run"
    for split, prefix in (("dev", "val"), ("test", "test")):
        lines = [json.loads(line) for line in (run / f"predictions/{split}.jsonl").read_text().splitlines()]
        right = [{tuple(s[:3]) for s in line["gold"]} == {tuple(s[:3]) for s in line["predicted"]} for line in lines]
        assert best[f"{prefix}/exact"] == pytest.approx(sum(right) / len(right))
    assert best["val/exact"] == max(column(run, "val/exact"))
    scores = evaluated(
        tmp_path / "again", *[word.replace("RUN_FOLDER", str(run)) for word in typed("ner_lightning.evaluate")]
    )["scores"]
    assert scores["test/exact"] == best["test/exact"]
    compared = started(
        installed,
        "ner_lightning.compare",
        *[word.replace("RUN_FOLDER", str(run)) for word in typed("ner_lightning.compare")],
        "figures=false",
        cwd=tmp_path,
    )
    assert compared.returncode == 0, compared.stderr
    assert "exact" in compared.stdout
    assert f"{100 * best['test/exact']:.2f}" in compared.stdout


def test_a_task(installed: Path, tmp_path: Path, tiny_encoder: Path) -> None:
    trained(
        tmp_path, tiny_encoder, *typed("ner_lightning.train task=rdrop"), "test=false", "trainer.log_every_n_steps=1"
    )
    trained(tmp_path / "b", tiny_encoder, "test=false", "trainer.log_every_n_steps=1")
    # Two passes of which each is about as far from right, and how far they are apart.
    assert column(tmp_path / "run", "train/loss")[0] > column(tmp_path / "b/run", "train/loss")[0] * 0.9
    checkpoint = torch.load(tmp_path / "run/checkpoints/best.ckpt", weights_only=True)
    assert checkpoint["ner_lightning"]["config"]["task"] == {
        "_target_": "my_ner.task.RDrop",
        "alpha": 1.0,
        "metrics": {},
    }
    assert load(tmp_path / "run").task.tags.types


def test_a_callback(installed: Path, tmp_path: Path, tiny_encoder: Path) -> None:
    result = trained(
        tmp_path, tiny_encoder, *typed("ner_lightning.train +callbacks"), "test=false", "monitor=val/found"
    )
    assert 0 <= result["best"]["val/found"] <= 1
    assert len(column(tmp_path / "run", "val/found")) == 2  # of the fit, and of the best weights


def test_a_command(site: Path, tmp_path: Path) -> None:
    done = started(site, "my_ner.longest", "split=dev", "listed=3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split(" ", 1)[0] for line in done.stdout.splitlines()] == sorted(
        (line.split(" ", 1)[0] for line in done.stdout.splitlines()), reverse=True
    )
    assert len(done.stdout.splitlines()) == 3
    wrong = started(site, "my_ner.longest", "listed=many", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr == "listed=many: expected a whole number.\n"
    told = started(site, "my_ner.longest", "--help", cwd=tmp_path)
    assert told.stdout.startswith("The longest entities of a corpus:")
    assert "slash" in told.stdout
    listed = started(site, "ner_lightning", cwd=tmp_path)
    assert re.search(r"^  python -m my_ner\.longest +The longest entities of a corpus$", listed.stdout, re.MULTILINE)


def test_every_command_of_the_page_is_run_above() -> None:
    beginnings = [shlex.split(command)[2:4] for command in COMMANDS]
    text = Path(__file__).read_text(encoding="utf-8")
    for words in beginnings:
        module, first = words[0], words[1] if len(words) > 1 else ""
        assert (
            any(
                said in text
                for said in (f'"{module} {first}', f'typed("{module}', f'"{module}", "{first}', f'"{module}", cwd')
            )
            or module == "pip"
        ), words


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("model/decoder=focal model.decoder.gamma=high", "model.decoder.gamma=high: expected a number."),
        ("model/decoder=focal +model.decoder.alpha=1", "model.decoder.alpha: Focal takes no alpha"),
        ("model/decoder=focall", "did you mean model/decoder=focal?"),
        ("+task.metrics.f1._target_=my_ner.metric.ExactSentences", "task.metrics.f1: there is a score of that name"),
        (
            "'+task.metrics={a/b: {_target_: my_ner.metric.ExactSentences}}'",
            "task.metrics.a/b: expected a name of letters",
        ),
        ("+task.metrics.exact=accuracy", "task.metrics.exact=accuracy: expected a node with a _target_"),
        ("+task.metrics.exact._target_=my_ner.metric.Exact", "my_ner.metric.Exact is not allowed"),
        ("+task.metrics.exact._target_=my_ner.decoder.Focal", "my_ner.decoder.Focal is not allowed"),
        ("task._target_=my_ner.callback.FoundShare", "my_ner.callback.FoundShare is not allowed"),
    ],
)
def test_what_is_wrong_is_said(installed: Path, line: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        preflight("train", parse(shlex.split(line)))
    assert message in str(error.value)


@pytest.mark.parametrize("target", ["decoder.Focal", "reader.SlashReader", "metric.ExactSentences", "task.RDrop"])
def test_what_is_not_installed_is_not_let_in(target: str) -> None:
    for place in ("model.decoder", "data.reader", "task.metrics.exact", "task", "callbacks.x"):
        node: dict[str, object] = {"_target_": f"{PACKAGE}.{target}"}
        for key in reversed(place.split(".")):
            node = {key: node}
        with pytest.raises(UserError, match=f"{target} is not allowed"):
            check_targets(node)
