"""Where the sentences of a split come from."""

from __future__ import annotations

from pathlib import Path

from ner_lightning.data.corpus.corpus import Corpus
from ner_lightning.data.corpus.corpus_files import CorpusFiles
from ner_lightning.data.readers.conll import ConllReader
from tests.runs import write_corpus

BY_NAME = dict.fromkeys(("train", "dev", "test"))


def corpus(folder: Path, **names: str) -> Corpus:
    return Corpus(str(folder), CorpusFiles(ConllReader(), None), {**BY_NAME, **names})


def test_a_split_is_the_file_of_its_name_or_the_one_named(tmp_path: Path) -> None:
    found = corpus(write_corpus(tmp_path, train=["a"], other=["b", "c"]), dev="other.conll")
    sizes = {split: store and len(store) for split in BY_NAME if (store := found.read(split)) or True}
    assert sizes == {"train": 1, "dev": 2, "test": None}
    assert str(found.missing("test")).startswith(f"{tmp_path}: no test split: expected a file called test")


def test_a_stream_has_the_files_of_its_folder(tmp_path: Path) -> None:
    write_corpus(tmp_path / "train", a=["a"], b=["b"])
    assert [path.name for path in corpus(tmp_path).stream_paths()] == ["a.conll", "b.conll"]
