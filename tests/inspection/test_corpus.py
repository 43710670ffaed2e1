"""The splits of a corpus as training has them, read without torch and in bounded memory."""

from __future__ import annotations

import gzip
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.data.corpus.sentence_store import SentenceStore
from ner_lightning.data.corpus.sources import corpora_from_config
from ner_lightning.data.datamodule import CorpusDataModule
from ner_lightning.errors import DataError, UserError
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


def test_what_nobody_wants_to_keep_lies_in_a_folder_until_the_end(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=[*EASY, *EASY, "a/B-LOC"], test=EASY)
    with read_corpus(node(tmp_path, f"data.cache={tmp_path / 'kept'}")) as found:
        kept = inspect_corpus(found).to_json()
    assert len([path for path in (tmp_path / "kept").iterdir() if path.is_dir()]) == 2
    with read_corpus(node(tmp_path, "data.cache=null")) as found:
        store = found.splits["train"]
        assert isinstance(store, SentenceStore)
        folder = store.arrays.folder
        assert folder is not None
        assert folder.is_dir()
        assert inspect_corpus(found).to_json() == kept
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
    with read_corpus(node(tmp_path, "data.streaming=true", "data.limit=6")) as found:
        assert len(found.splits["train"]) == 6


def made_by_training(asked: dict[str, Any]) -> CorpusDataModule:
    from ner_lightning.config.objects import make

    data: CorpusDataModule = make(asked, "data")
    data.read("train", "dev", "test")
    return data


DIVIDED = [
    ["data.fold=1", "data.folds=3"],
    ["data.splits={dev: 0.2, test: 0.2}"],
    ["data.fraction=0.5"],
    ["data.label_map={PER: PERSON, LOC: null}"],
    ["data.sources={a: {}, b: {weight: 2, label_map: {LOC: null}}}"],
    ["data.limit=3"],
    ["data.train=b/train.conll", "data.units=characters"],
]


@pytest.mark.parametrize("words", DIVIDED, ids=lambda words: words[0])
def test_the_splits_are_those_of_training(tmp_path: Path, words: list[str]) -> None:
    write_corpus(tmp_path, train=[*EASY, "Oslo/B-GPE"])
    write_corpus(tmp_path / "a", train=EASY, dev=EASY[:3])
    write_corpus(tmp_path / "b", train=[*EASY[:4], "Rome/B-LOC is/O"])
    asked = node(tmp_path, *words)
    data = made_by_training(asked)
    with read_corpus(asked) as found:
        assert {split: list(sentences) for split, sentences in found.splits.items()} == {
            split: list(sentences) for split, sentences in data.sentences.items()
        }
        assert found.reports == data.reports
        assert found.sources == (data.sources.counts() if data.sources.names else {})


def test_an_inspection_and_training_take_the_same_keys() -> None:
    """The keys of reading are named once; what the data module takes has the same names and defaults."""
    taken = inspect.signature(CorpusDataModule).parameters
    for name, parameter in inspect.signature(corpora_from_config).parameters.items():
        assert name in taken
        if name != "reader":  # None only where each source has its own
            assert taken[name].default == parameter.default, name


def test_a_key_that_no_corpus_has_is_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=EASY)
    with pytest.raises(UserError, match=r"data\.limt: a corpus has no such key"), read_corpus({"limt": 3}):
        pass


FRESH = """
import sys
sys.argv = ["inspect", *sys.argv[1:]]
from ner_lightning.inspect import main
try:
    main()
finally:
    print(*sorted({"torch", "pytorch_lightning", "transformers"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("words", [[], *DIVIDED[:5], ["data.streaming=true"]], ids=lambda words: [*words, "files"][0])
def test_the_command_imports_no_torch(tmp_path: Path, words: list[str]) -> None:
    write_corpus(tmp_path, train=[*EASY, "Oslo/B-GPE"])
    write_corpus(tmp_path / "a", train=EASY, dev=EASY[:3])
    write_corpus(tmp_path / "b", train=EASY)
    command = [sys.executable, "-c", FRESH, "data=conll", f"data.dir={tmp_path}", *words, "output=-"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert '"sentences"' in found.stdout
    assert found.stderr.splitlines()[-1] == ""
