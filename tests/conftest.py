"""What every test shares: seeds, threads, and a loud count of what was skipped for want of the corpora."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if "NER_LIGHTNING_CORPORA" not in os.environ:  # what tests read is not to stay in the user's cache
    os.environ["NER_LIGHTNING_CORPORA"] = tempfile.mkdtemp(prefix="ner_lightning_corpora_")
    atexit.register(shutil.rmtree, os.environ["NER_LIGHTNING_CORPORA"], ignore_errors=True)

# The development corpora stand beside the checkout; NER_CORPORA names another place.
CORPORA = Path(os.environ.get("NER_CORPORA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the development corpora."""
    return CORPORA


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if CORPORA.is_dir():
        return
    absent = [item for item in items if item.get_closest_marker("corpora")]
    for item in absent:
        item.add_marker(pytest.mark.skip(reason=f"development corpora not found at {CORPORA} (set NER_CORPORA)"))
    config.stash[_ABSENT] = len(absent)


_ABSENT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if absent := config.stash.get(_ABSENT, 0):
        terminalreporter.write_line(f"NOT RUN: {absent} tests need the development corpora (NER_CORPORA)", yellow=True)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a two-layer random BERT with 64 positions."""
    from tests.tiny import write_tiny_encoder

    return write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "encoder")
