"""From the nodes of a configuration to objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ner_lightning.config import catalogue
from ner_lightning.config.objects import make, resolve_config
from ner_lightning.data import augmentation, datamodule
from ner_lightning.errors import UserError
from tests.runs import train_config

DATA = "ner_lightning.data.datamodule.CorpusDataModule"
READER = "ner_lightning.data.readers.conll.ConllReader"
AUGMENT = "ner_lightning.data.augmentation.Augmentation"


def test_a_node_is_built_with_what_is_in_it() -> None:
    sources = {"news": {"dir": "a", "reader": {"_target_": READER, "word_column": 2}}}
    data = make({"_target_": DATA, "dir": "x", "reader": None, "sources": sources, "cache": None}, "data")
    assert isinstance(data, datamodule.CorpusDataModule)
    assert data.sources.corpora[0].files.reader.word_column == 2


def test_what_is_given_wins_over_the_key() -> None:
    found = make(
        {"_target_": AUGMENT, "lower_case": 0.1, "word_dropout": {"_target_": "os.system"}},
        "data.augment",
        word_dropout=0.2,
    )
    assert found == augmentation.Augmentation(lower_case=0.1, word_dropout=0.2)


def test_a_class_from_elsewhere_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    config = train_config(tmp_path, tiny_encoder)
    config.callbacks.progress._target_ = "subprocess.run"
    with pytest.raises(UserError, match=r"callbacks.progress._target_: subprocess.run is not allowed"):
        resolve_config(config)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The augmentations that are built, in their order."""
    seen: list[str] = []
    monkeypatch.setattr(augmentation.Augmentation, "__post_init__", lambda self: seen.append("augment"), raising=False)
    return seen


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"_target_": DATA, "dir": "x", "reader": None, "no_such_key": 1}, "data: CorpusDataModule does not take"),
        ({"_target_": DATA, "reader": None}, r"data: CorpusDataModule does not take these keys \(missing .* 'dir'\)"),
        ({"_target_": DATA, "dir": "x", "reader": {"_target_": AUGMENT}}, r"data\.reader\._target_: .* not built here"),
        ({"_target_": DATA, "dir": "x", "reader": {"_target_": READER, "column": 1}}, r"data\.reader: ConllReader"),
        ({"_target_": DATA, "dir": "x", "reader": None, "_partial_": True}, r"data\._partial_: no argument"),
    ],
)
def test_no_child_is_built_before_all_is_known_to_fit(node: dict[str, Any], message: str, built: list[str]) -> None:
    with pytest.raises(UserError, match=message):
        make({**node, "augment": {"_target_": AUGMENT}}, "data")
    assert built == []


def test_that_it_would_have_been_seen(built: list[str]) -> None:
    make({"_target_": AUGMENT}, "data.augment")
    assert built == ["augment"]


def test_a_place_takes_no_more_than_the_catalogue_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.KINDS, "augment", ())
    with pytest.raises(UserError, match=r"data\.augment\._target_"):
        make({"_target_": AUGMENT}, "data.augment")
