from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.data.corpus.encoding import WordEncoder
from ner_lightning.model.pretrained.names import load_tokenizer
from tests.data.shard_corpus import write_shards


@pytest.fixture(scope="session")
def words(tiny_encoder: Path) -> WordEncoder:
    """The tiny encoder's view of words."""
    return WordEncoder(load_tokenizer(str(tiny_encoder)), 64)


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of `shard_corpus`."""
    return write_shards(tmp_path_factory.mktemp("shards"))
