"""A tagger that knows a few words by heart."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.inference.tagger import Tagger
from tests.runs import EASY, LEARN, trained, write_corpus


@pytest.fixture(scope="session")
def easy_run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The folder of a run that learned `EASY`: Ann Lee is a person, Oslo a place."""
    folder = tmp_path_factory.mktemp("easy")
    corpus = write_corpus(folder / "corpus", train=EASY, dev=EASY, test=EASY)
    result = trained(folder, tiny_encoder, "data=conll", f"data.dir={corpus}", "data.scheme=BIOES", *LEARN)
    assert result["best"]["test/f1"] > 0.95
    return folder / "run"


@pytest.fixture(scope="session")
def easy(easy_run: Path) -> Tagger:
    return Tagger.load(easy_run)
