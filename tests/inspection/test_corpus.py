"""The splits of a corpus, read without torch and in bounded memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from ner_lightning.data.corpus.sentence_store import SentenceStore
from ner_lightning.errors import DataError
from ner_lightning.inspection import corpus as module
from ner_lightning.inspection.corpus import read_corpus
from ner_lightning.inspection.inspection import inspect_corpus
from tests.conf.tree import complete
from tests.runs import EASY, write_corpus

ROOT = Path(__file__).parents[2]


def node(folder: Path, *overrides: str) -> dict[str, Any]:
    return complete("inspect", "data=conll", f"data.dir={folder}", *overrides)["data"]


def test_the_splits_that_are_there(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=EASY, test=EASY[:3], other=EASY)
    with read_corpus(node(tmp_path)) as found:
        assert {split: len(sentences) for split, sentences in found.splits.items()} == {"train": len(EASY), "test": 3}
        assert found.reports["test"].sentences == 3
        assert found.files == {split: str(tmp_path / f"{split}.conll") for split in ("train", "test")}
        assert (found.name, found.units) == (str(tmp_path), "words")


def test_the_beginning_of_each_split_and_other_names(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=EASY, other=EASY)
    with read_corpus(node(tmp_path, "data.limit=4", "data.test=other.conll")) as found:
        assert {split: len(sentences) for split, sentences in found.splits.items()} == {"train": 4, "test": 4}


def test_no_split_at_all(tmp_path: Path) -> None:
    write_corpus(tmp_path, other=EASY)
    with pytest.raises(DataError, match=r"no train split: .* holds other.conll"), read_corpus(node(tmp_path)):
        pass


def test_what_is_large_lies_in_a_folder_and_gives_the_same(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=[*EASY, *EASY, "a/B-LOC"], test=EASY)
    with read_corpus(node(tmp_path)) as found:
        small = inspect_corpus(found).to_json()
        assert isinstance(found.splits["train"], list)
    with patch.object(module, "IN_MEMORY", 0), read_corpus(node(tmp_path)) as found:
        store = found.splits["train"]
        assert isinstance(store, SentenceStore)
        folder = store.arrays.folder
        assert folder is not None
        assert folder.is_dir()
        assert inspect_corpus(found).to_json() == small
    assert not folder.exists()


def test_a_split_that_is_streamed_is_read_from_all_its_files(tmp_path: Path) -> None:
    write_corpus(tmp_path, dev=EASY)
    write_corpus(tmp_path / "train", a=EASY[:5], b=EASY[5:7])
    for file in sorted((tmp_path / "train").iterdir()):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    with read_corpus(node(tmp_path, "data.streaming=true")) as found:
        assert len(found.splits["train"]) == found.reports["train"].sentences == 7
        assert found.files["train"] == str(tmp_path / "train")


def test_what_only_the_data_module_knows_is_asked_of_it(tmp_path: Path) -> None:
    """An option of a corpus that nobody here has heard of."""
    write_corpus(tmp_path, train=EASY)
    built: dict[str, Any] = {}

    class DataModule:
        sentences: dict[str, Any] = {}  # noqa: RUF012
        reports: dict[str, Any] = {}  # noqa: RUF012
        sources = SimpleNamespace(are_files=True, names=(), corpora=())

        def read(self, *splits: str) -> None:
            with read_corpus(node(tmp_path)) as found:
                self.sentences, self.reports = dict(found.splits), dict(found.reports)

    def make(given: dict[str, Any]) -> Any:
        built.update(given)
        return DataModule()

    with patch.object(module, "_as_trained_on", wraps=module._as_trained_on) as trained_on:
        asked = node(tmp_path) | {"unheard_of": 3}
        with (
            patch.object(module, "make", side_effect=lambda n, p: make(n) if "unheard_of" in n else _really(n, p)),
            read_corpus(asked) as found,
        ):
            assert len(found.splits["train"]) == len(EASY)
        trained_on.assert_called_once()
    assert built["unheard_of"] == 3


def _really(given: dict[str, Any], place: str) -> Any:
    from ner_lightning.config.objects import make

    return make(given, place)


@pytest.mark.parametrize("data", ["conll", "jsonl", "sample_en"])
def test_the_options_as_they_are_need_no_torch(data: str, tmp_path: Path) -> None:
    """A new option of a corpus is either heeded here, or says nothing of its sentences: it belongs into a list."""
    config = complete("inspect", f"data={data}")["data"]
    assert module._is_plain(config), "corpus.py knows neither as heeded nor as irrelevant: " + ", ".join(
        key for key, value in config.items() if value and key not in module._HEEDED | module._IRRELEVANT
    )


def test_no_torch_is_imported() -> None:
    program = (
        "import sys\n"
        "from ner_lightning.inspection.corpus import read_corpus\n"
        "from ner_lightning.inspection.inspection import inspect_corpus\n"
        "import ner_lightning.inspection.report.html, ner_lightning.inspection.report.text\n"
        "from ner_lightning.data.readers.conll import ConllReader\n"
        "reader = {'_target_': 'ner_lightning.data.readers.conll.ConllReader'}\n"
        "node = dict.fromkeys(('train', 'dev', 'test', 'limit'))\n"
        "node |= {'dir': 'sample:en', 'reader': reader, 'units': 'words'}\n"
        "with read_corpus(node) as corpus:\n"
        "    assert inspect_corpus(corpus).types\n"
        "print(*sorted({'torch', 'pytorch_lightning', 'transformers'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert found.stdout.split() == []
