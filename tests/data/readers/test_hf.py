"""Local datasets in every form; the hub only as something that cannot be reached."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.hf import HuggingFaceReader
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan

datasets = pytest.importorskip("datasets")

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
ROWS = {
    "tokens": [["Ann", "Lee", "saw", "Rome"], [], ["\u3000"]],
    "ner_tags": [[1, 2, 0, 3], [], [0]],
    "doc": ["d1", "d1", "d2"],
}
EXPECTED = [(("Ann", "Lee", "saw", "Rome"), (EntitySpan(0, 2, "PER"), EntitySpan(3, 4, "LOC"))), (("\u3000",), ())]


def make(names=NAMES, rows=ROWS):
    label = datasets.ClassLabel(names=names) if names else datasets.Value("int64")
    features = {"tokens": [datasets.Value("string")], "ner_tags": [label], "doc": datasets.Value("string")}
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def read(path, **options):
    report = ReadReport()
    return list(HuggingFaceReader(**options).read(Path(path), report)), report


@pytest.mark.parametrize("form", ["disk", "dict", "dict:", "parquet", "parquet folder", "arrow"])
def test_local_forms(tmp_path, form):
    data, path = make(), tmp_path / "corpus"
    if form == "disk":
        data.save_to_disk(path)
    elif form.startswith("dict"):
        datasets.DatasetDict({"train": make(rows={k: v[:1] for k, v in ROWS.items()}), "dev": data}).save_to_disk(path)
        path = f"{path}:dev" if form == "dict:" else path / "dev"
    elif form == "parquet":
        path = tmp_path / "corpus.parquet"
        data.to_parquet(path)
    elif form == "parquet folder":
        (path / "data").mkdir(parents=True)
        data.to_parquet(path / "data" / "dev-00000-of-00001.parquet")
        make(rows={k: v[:1] for k, v in ROWS.items()}).to_parquet(path / "data" / "train-00000-of-00001.parquet")
        path = path / "dev"
    else:
        data.save_to_disk(path)
        path = next(path.glob("*.arrow"))
    sentences, report = read(path)
    assert [(s.words, s.spans) for s in sentences] == EXPECTED
    assert (report.scheme, report.words, report.entities, report.empty_sentences) == ("IOB2", 5, 2, 1)
    assert sentences[1].id == f"{Path(path).name}:3"


def test_columns_and_documents(tmp_path):
    make().rename_columns({"tokens": "w", "ner_tags": "t"}).save_to_disk(tmp_path / "d")
    sentences, report = read(tmp_path / "d", words_key="w", tags_key="t", document_key="doc", id_key="doc")
    assert [(s.document, s.id) for s in sentences] == [("d1", "d1"), ("d2", "d2")]
    assert report.documents == 2
    sentences, report = read(tmp_path / "d", words_key="w", tags_key=None)
    assert (sentences[0].unknown, sentences[0].spans, report.scheme) == ((0, 1, 2, 3), (), "")
    with pytest.raises(DataError, match="expected the column 'tokens', found w, t, doc"):
        read(tmp_path / "d")


def test_numbers_without_names(tmp_path):
    make(names=None).save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match="tag_names"):
        read(tmp_path / "d")
    assert [(s.words, s.spans) for s in read(tmp_path / "d", tag_names=NAMES)[0]] == EXPECTED
    with pytest.raises(DataError, match="d:1: expected tag numbers from 0 to 2, found 3"):
        read(tmp_path / "d", tag_names=NAMES[:3])


def test_names_instead_of_numbers(tmp_path):
    rows = {"tokens": ROWS["tokens"], "ner_tags": [[NAMES[tag] for tag in tags] for tags in ROWS["ner_tags"]]}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "d")
    assert [(s.words, s.spans) for s in read(tmp_path / "d")[0]] == EXPECTED


def test_minus_one_hundred_is_no_tag(tmp_path):
    rows = {"tokens": [["a", "b"]], "ner_tags": [[0, -100]], "doc": [""]}
    make(names=None, rows=rows).save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match="found -100"):
        read(tmp_path / "d", tag_names=NAMES)


def test_rows_that_do_not_fit(tmp_path):
    make(rows={"tokens": [["a", "b"]], "ner_tags": [[0]], "doc": [""]}).save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match="d:1: expected a tag for each of 2 words, found 1"):
        read(tmp_path / "d")
    make(rows={"tokens": [], "ner_tags": [], "doc": []}).to_parquet(tmp_path / "e.parquet")
    with pytest.raises(DataError, match="at least one row"):
        read(tmp_path / "e.parquet")
    (tmp_path / "f.arrow").write_bytes(b"something else")
    with pytest.raises(
        DataError, match=r"f\.arrow: expected a folder, a file or a dataset on the hub, could load none"
    ):
        read(tmp_path / "f.arrow")


def test_what_is_not_there(tmp_path, monkeypatch):
    datasets.DatasetDict({"train": make(), "dev": make()}).save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match="one of train, dev"):
        read(tmp_path / "d")
    with pytest.raises(DataError, match="one of train, dev"):
        read(f"{tmp_path / 'd'}:test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"expected a dataset .* found none"):
        read(tmp_path / "empty")

    def unreachable(*args, **kwargs):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(
        DataError, match=r"owner/name: expected a folder, a file or .*ConnectionError: no route.*NAME:train"
    ):
        read("owner/name:train")


def test_the_hub_is_asked_for_the_split(monkeypatch):
    asked = []

    def load(*args, **kwargs):
        asked.append((args, kwargs))
        return make()

    monkeypatch.setattr(datasets, "load_dataset", load)
    sentences, _ = read("owner/name:train[:10%]", name="en", revision="abc")
    assert asked == [(("owner/name", "en"), {"split": "train[:10%]", "revision": "abc"})]
    assert len(sentences) == 2


def test_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'ner-lightning\[hf\]'"):
        read(tmp_path)


def parts(path, form):
    """A train split in two files, and the words of each."""
    halves = [{key: values[:2] for key, values in ROWS.items()}, {key: values[2:] for key, values in ROWS.items()}]
    if form == "disk":
        make().save_to_disk(path, num_shards=3)
    elif form == "dict":
        datasets.DatasetDict({"train": make(), "dev": make()}).save_to_disk(path, num_shards={"train": 3, "dev": 1})
    else:
        for number, rows in enumerate(halves):
            (path / "data").mkdir(parents=True, exist_ok=True)
            make(rows=rows).to_parquet(path / "data" / f"train-0000{number}-of-00002.parquet")
        make().to_parquet(path / "data" / "dev-00000-of-00001.parquet")
    return str(path)


def read_all(reader, paths):
    """The sentences of all parts that have one."""
    found = []
    for path in paths:
        try:
            found += [(s.words, s.spans) for s in reader.read(path, ReadReport())]
        except DataError as error:
            assert "at least one row with words" in str(error)  # noqa: PT017  (the part with the empty row)
    return found


@pytest.mark.parametrize("form", ["disk", "dict", "parquet"])
def test_the_parts_of_a_local_split_are_its_files(tmp_path, form):
    folder = parts(tmp_path / "corpus", form)
    reader = HuggingFaceReader(scheme="IOB2")
    paths = reader.shard_paths(folder, None if form == "disk" else "train")
    assert len(paths) == (2 if form == "parquet" else 3)
    assert read_all(reader, paths) == EXPECTED


def test_a_file_is_its_only_part(tmp_path):
    make().save_to_disk(tmp_path / "corpus")
    (file,) = (tmp_path / "corpus").glob("*.arrow")
    assert HuggingFaceReader().shard_paths(str(file), None) == [file]


def test_a_dataset_of_the_hub_is_streamed_part_by_part(tmp_path, monkeypatch):
    folder = parts(tmp_path / "corpus", "parquet")
    load, asked = datasets.load_dataset, []

    def hub(name, config, **options):
        asked.append((name, config, options))
        files = {"train": f"{folder}/data/train-*.parquet"}
        return load("parquet", data_files=files, split=options["split"], streaming=options["streaming"])

    monkeypatch.setattr(datasets, "load_dataset", hub)
    reader = HuggingFaceReader(scheme="IOB2", revision="abc")
    paths = reader.shard_paths("owner/name", "train")
    assert [str(path) for path in paths] == ["owner/name:train#0-of-2", "owner/name:train#1-of-2"]
    assert read_all(reader, paths) == EXPECTED
    assert set(map(repr, asked)) == {
        repr(("owner/name", None, {"split": "train", "revision": "abc", "streaming": True}))
    }


def test_a_dataset_of_the_hub_out_of_reach_is_said():
    with pytest.raises(DataError, match="could load none"):
        HuggingFaceReader().shard_paths("nobody/nothing", "train")


def test_a_single_dataset_is_one_split_and_no_other(tmp_path):
    make().save_to_disk(tmp_path / "d")
    reader = HuggingFaceReader()
    assert reader.split_path(str(tmp_path / "d"), "train") == tmp_path / "d/train"
    assert reader.split_path(str(tmp_path / "d"), "validation") is None
    assert reader.split_path(str(tmp_path / "d"), ".") == tmp_path / "d"
    assert len(read(tmp_path / "d/train")[0]) == 2
    with pytest.raises(DataError, match=r"found one dataset without splits, which counts as train; .*data\.test=\."):
        read(tmp_path / "d/test")
    with pytest.raises(DataError, match="which counts as train"):
        reader.shard_paths(str(tmp_path / "d"), "validation")
    made = datasets.Dataset.from_dict(ROWS, features=make().features, split="test")
    made.save_to_disk(tmp_path / "t")
    assert reader.split_path(str(tmp_path / "t"), "train") is None
    assert len(read(tmp_path / "t/test")[0]) == 2
    make().to_parquet(tmp_path / "all.parquet")
    assert reader.split_path(str(tmp_path / "all.parquet"), "test") is None
    assert len(read(tmp_path / "all.parquet/train")[0]) == 2


def configurations(folder):
    for name, words in (("en", "Ann"), ("de", "Uwe")):
        (folder / name / "train").mkdir(parents=True)
        make(rows={"tokens": [[words]], "ner_tags": [[1]], "doc": [""]}).to_parquet(
            folder / name / "train/0000.parquet"
        )
        make(rows={"tokens": [[words]], "ner_tags": [[0]], "doc": [""]}).to_parquet(
            folder / name / "dev-0-of-1.parquet"
        )
    return folder


def test_configurations_are_not_mixed(tmp_path):
    folder = configurations(tmp_path / "d")
    for split in ("train", "dev"):
        with pytest.raises(DataError, match="expected one configuration, found several: de, en; choose with name=en"):
            read(folder / split)
        assert [s.words for s in read(folder / split, name="de")[0]] == [("Uwe",)]
        paths = HuggingFaceReader(name="en").shard_paths(str(folder), split)
        assert [path.relative_to(folder).parts[0] for path in paths] == ["en"]
    with pytest.raises(DataError, match=r"expected a configuration called fr .* found de, en"):
        read(folder / "train", name="fr")


def test_a_split_is_not_another_one_that_begins_alike(tmp_path):
    (tmp_path / "d").mkdir()
    make().to_parquet(tmp_path / "d/test.parquet")
    make().to_parquet(tmp_path / "d/testing.parquet")
    assert len(read(tmp_path / "d/test")[0]) == 2


def test_nulls(tmp_path):
    rows = {"tokens": [["a", "b"], ["c"], None], "ner_tags": [[1, None], None, None], "doc": [None, "x", "x"]}
    make(rows=rows).to_parquet(tmp_path / "n.parquet")
    sentences, report = read(tmp_path / "n.parquet", document_key="doc", id_key="doc")
    assert [(s.spans, s.unknown, s.document, s.id) for s in sentences] == [
        ((EntitySpan(0, 1, "PER"),), (1,), "", "n.parquet:1"),
        ((), (0,), "x", "x"),
    ]
    assert report.empty_sentences == 1
    names = {"tokens": [["a", "b"]], "ner_tags": [["B-X", None]]}
    datasets.Dataset.from_dict(names).to_parquet(tmp_path / "s.parquet")
    assert read(tmp_path / "s.parquet")[0][0].unknown == (1,)
    datasets.Dataset.from_dict({"tokens": [["a", None]], "ner_tags": [["O", "O"]]}).to_parquet(tmp_path / "w.parquet")
    with pytest.raises(DataError, match=r"w\.parquet:1: expected a list of words in the column 'tokens', found 'None'"):
        read(tmp_path / "w.parquet")


def test_the_text_is_no_list_of_words(tmp_path):
    datasets.Dataset.from_dict({"text": ["Ann left"], "ner_tags": [["O", "O"]]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="expected a list of words in the column 'text', found 'Ann left'"):
        read(tmp_path / "t.parquet", words_key="text")


def test_large_strings_as_polars_writes_them(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet

    kind = pa.large_list(pa.large_string())
    table = pa.table({"tokens": pa.array([["Ann", "b"]], kind), "ner_tags": pa.array([["B-PER", "O"]], kind)})
    pyarrow.parquet.write_table(table, tmp_path / "p.parquet")
    assert read(tmp_path / "p.parquet")[0][0].spans == (EntitySpan(0, 1, "PER"),)


def test_tags_without_a_type(tmp_path):
    rows = {"tokens": [["a", "b", "c"]], "ner_tags": [[1, 2, 0]], "doc": [""]}
    make(names=["O", "B", "I"], rows=rows).save_to_disk(tmp_path / "d")
    assert read(tmp_path / "d", type="Disease")[0][0].spans == (EntitySpan(0, 2, "Disease"),)
    with pytest.raises(DataError, match="found B, I; name their type: type=Disease"):
        read(tmp_path / "d")
