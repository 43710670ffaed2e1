from pathlib import Path

import pytest

from ner_lightning.data.locate import shard_files, split_file
from ner_lightning.errors import DataError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(files: list[Path], folder: Path) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in files]


def test_a_compressed_file_is_found_by_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "train.conll.gz", "valid.gz", "eng.testb.gz", "training_notes.txt")
    found = [split_file(tmp_path, split) for split in ("train", "dev", "test")]
    assert [path.name for path in found if path] == ["train.conll.gz", "valid.gz", "eng.testb.gz"]


@pytest.mark.parametrize(
    ("files", "name", "expected"),
    [
        (
            ["train/b.conll", "train/a.conll", "train/.hidden", "train/_SUCCESS"],
            None,
            ["train/a.conll", "train/b.conll"],
        ),
        (["train-1.jsonl", "train-0.jsonl", "dev.jsonl"], None, ["train-0.jsonl", "train-1.jsonl"]),
        (["train-00000-of-00002.jsonl.gz", "train-00001-of-00002.jsonl.gz"], None, None),
        (["train_0.conll", "train1.conll", "train.2.conll"], None, None),
        (["train.conll", "dev.conll"], None, ["train.conll"]),
        (["parts/x.gz", "parts/y.gz", "train.conll"], "parts", ["parts/x.gz", "parts/y.gz"]),
        (["parts/x.gz", "parts/y.txt"], "parts/*.gz", ["parts/x.gz"]),
        (["parts/x/1.gz", "parts/y/1.gz"], "parts/**/*.gz", ["parts/x/1.gz", "parts/y/1.gz"]),
        (["all.conll"], "all.conll", ["all.conll"]),
    ],
)
def test_shards_are_found(tmp_path: Path, files: list[str], name: str | None, expected: list[str] | None) -> None:
    found = shard_files(touch(tmp_path, *files), "train", name)
    assert names(found, tmp_path) == (sorted(files) if expected is None else expected)


def test_a_pattern_may_point_elsewhere(tmp_path: Path) -> None:
    corpus, shards = touch(tmp_path / "corpus", "dev.conll"), touch(tmp_path / "shards", "b.gz", "a.gz")
    assert names(shard_files(corpus, "train", f"{shards}/*.gz"), shards) == ["a.gz", "b.gz"]
    assert names(shard_files(corpus, "train", str(shards)), shards) == ["a.gz", "b.gz"]


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        (["dev.conll", "trained-1.conll"], None, r"no folder or files called train: .*data\.train .*holds dev\.conll"),
        (["dev.conll"], "*.gz", r"no file matches data\.train=\*\.gz"),
        (["train/.hidden"], None, "expected files of a corpus in the folder, found none"),
        (["train.conll", "train.jsonl"], None, "several files could be the train split"),
    ],
)
def test_where_there_are_none_the_remedy_is_said(
    tmp_path: Path, files: list[str], name: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        shard_files(touch(tmp_path, *files), "train", name)
