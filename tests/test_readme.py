"""What the documents say can be done: their commands compose, their targets and links exist, both READMEs agree."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from ner_lightning.command_line.arguments import parse
from ner_lightning.command_line.keys import COMMANDS, keys_of
from ner_lightning.command_line.preflight import preflight
from ner_lightning.config.targets import ALLOW
from tests.conf.tree import ROOTS

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# Those of the other page need its package, and are run: tests/test_extending.py.
COMPOSED = [page for page in PAGES if page.name != "extending.md"]

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?P<environment>(?:[A-Z_]+=\S+ )*)python -m ner_lightning\.(?P<module>[\w.]+)(?P<words>[^`\n]*)")
TARGET = re.compile(r"\bmake ((?:[A-Z]+=\S+ )*)([a-z][a-z-]*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Typed(NamedTuple):
    """A command as a document has it."""

    environment: str
    module: str
    words: str


def commands(*pages: Path) -> list[Typed]:
    """The commands of ours in these documents, in blocks and in running text, each once."""
    texts = (re.sub(r"\\\n *", "", page.read_text(encoding="utf-8")) for page in pages)  # a line that goes on
    return list(dict.fromkeys(Typed(*match.groups()) for text in texts for match in COMMAND.finditer(text)))


def fences(text: str, *languages: str) -> Iterator[str]:
    """The blocks of these languages."""
    return (match[2] for match in FENCE.finditer(text) if match[1] in languages)


def sections(page: Path) -> list[Counter[str]]:
    """The fenced commands and programs of each section of a README, in the order of sections."""
    parts = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [
        Counter([line for block in fences(part, "bash") for line in block.splitlines()] + [*fences(part, "python")])
        for part in parts
    ]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Something that exists for each name that stands for something of the user's."""
    folder = tmp_path_factory.mktemp("places")
    corpus, run, mine = folder / "corpus", folder / "run", folder / "mine"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").touch()
    corpus.mkdir()
    (folder / "file.txt").write_text("Ann\n", encoding="utf-8")
    for page in COMPOSED:
        for block in fences(page.read_text(encoding="utf-8"), "yaml"):
            first, _, rest = block.partition("\n")
            file = mine / first.removeprefix("# ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(re.sub(r"\bDIR\b", str(corpus), rest), encoding="utf-8")
    runs = dict.fromkeys(("RUN_FOLDER", "RUN", "OTHER_RUN"), str(run))
    return {"DIR": str(corpus), "FILE": str(folder / "file.txt"), "FOLDER": str(mine), **runs}


def anchor_of(heading: str) -> str:
    """What a link to a heading is called on GitHub."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def filled_in(words: str, places: dict[str, str]) -> list[str]:
    """The words of a command line, without what the shell takes and with names that stand for something replaced."""
    words = re.sub(r" \[([^]]+)\]$", r" \1", words.strip())  # what may be left out
    words = re.sub(r"[^\s=]*…/\S+", "RUN_FOLDER", words)
    words = re.sub(r"\S*outputs/sweeps/NAME", "FOLDER", words)
    words = re.sub(r"\$\w+", "1", words)  # a variable of the shell
    words = re.split(r" [<>|] | +# |[.,;:)。，；：）]*$", words)[0]
    filled = [
        re.sub(r"\b(DIR|RUN_FOLDER|OTHER_RUN|RUN|FILE|FOLDER)\b", lambda m: places[m[1]], word)
        for word in shlex.split(words)
    ]
    # Each output is a file of its own.
    outputs = {f"{key}={places['FILE']}": f"{key}={places['FILE']}.{key}" for key in outputs_of_all()}
    return [outputs.get(word, word) for word in filled]


def outputs_of_all() -> set[str]:
    """The keys of all commands that name files to be made."""
    return {name for command in COMMANDS for name, key in keys_of(command).items() if key.use.writes}


def test_there_is_something_to_test() -> None:
    assert {command.module for command in commands(*PAGES)} >= set(ROOTS)
    assert len(commands(*PAGES)) > len(commands(ENGLISH)) > 15
    assert len(sections(ENGLISH)) > 8


@pytest.mark.parametrize("command", commands(*COMPOSED), ids=lambda c: f"{c.module}{c.words}")
def test_a_command_composes(command: Typed, places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    if command.module not in ROOTS:
        assert find_spec(f"ner_lightning.{command.module}")
        return
    for setting in command.environment.split():
        monkeypatch.setenv(*setting.split("=", 1))
    typed = filled_in(command.words, places)
    words = parse(typed, command.module)
    preflight(command.module, words, isolated=command.module == "train")  # raises UserError


def test_the_allow_list_is_called_what_the_documents_call_it() -> None:
    assert any(command.environment.startswith(f"{ALLOW}=") for command in commands(*PAGES))


def test_both_readmes_have_the_same_commands() -> None:
    """Section by section; within a section each may begin with what its readers want first."""
    assert sections(ENGLISH) == sections(CHINESE)


def test_both_readmes_show_the_same_run() -> None:
    shown = [
        re.findall(r"<!-- output:train -->(.*?)<!-- /output:train -->", p.read_text("utf-8"), re.DOTALL)
        for p in (ENGLISH, CHINESE)
    ]
    assert len(shown[0]) == 1
    assert shown[0] == shown[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_target_of_make_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    text = page.read_text(encoding="utf-8")
    code = "\n".join([*fences(text, "bash"), *re.findall(r"`([^`\n]+)`", text)])
    assert not {target for _, target in TARGET.findall(code)} - set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, f"{page.name}: {link}"
