"""`python -m ner_lightning`: which commands there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def said(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", "-m", "ner_lightning", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_commands_are_listed() -> None:
    answer = said()
    assert answer.returncode == 0
    lines = [line.split() for line in answer.stdout.splitlines() if line.startswith("  python -m ner_lightning.")]
    listed = {words[2].partition(".")[2]: " ".join(words[3:]) for words in lines}
    assert {"train", "evaluate", "predict", "compare", "inspect", "convert", "reproduce"} <= set(listed)
    assert listed["predict"] == "Tag text"
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert imported.isdisjoint({"hydra", "torch"})


def test_a_word_is_no_way_to_start_a_command() -> None:
    answer = said("trian", "seed=1")
    assert answer.returncode == 2
    (line,) = [line for line in answer.stderr.splitlines() if not line.startswith("import time:")]
    assert line.startswith("trian: a command is started as python -m ner_lightning.train;")
