from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweep.started import ROOT, Start


@pytest.fixture
def start(tiny_encoder: Path) -> Iterator[Start]:
    """Start a sweep with a tiny encoder; what still runs at the end of the test is killed."""
    begun: list[subprocess.Popen[str]] = []
    leaked = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
    environment = {key: value for key, value in os.environ.items() if key not in leaked}

    def answer(outputs: Path, *words: str) -> subprocess.Popen[str]:
        quick = ("data.limit=120", "test=true", "sweep.name=s", f"model.encoder.name={tiny_encoder}")
        process = subprocess.Popen(
            [sys.executable, "-m", "ner_lightning.train", "-m", *quick, *words, f"paths.outputs={outputs}"],
            cwd=ROOT,
            env=environment | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ignored where the tests themselves run in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        begun.append(process)
        return process

    yield answer
    for process in begun:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
