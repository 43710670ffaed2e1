"""What a configuration says of corpora and of their division, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ner_lightning.data.datamodule import CorpusDataModule
from ner_lightning.data.read_report import ReadReport, SentenceLimit
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.errors import DataError
from tests.runs import EASY, write_corpus


def module(folder: Path, **options: Any) -> CorpusDataModule:
    return CorpusDataModule(str(folder), ConllReader(), **{"cache": None, **options})


def read(folder: Path, **options: Any) -> CorpusDataModule:
    data = module(folder, **options)
    data.read("train", "dev", "test")
    return data


def texts(data: CorpusDataModule, split: str) -> list[str]:
    return [" ".join(sentence.words) for sentence in data.sentences[split]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"splits": {"dev": 0.5, "test": 0.5}}, r"data\.splits: expected dev, test or both, and shares that sum to 1"),
        ({"splits": {"train": 0.5, "dev": 0.1}}, r"sum to 1 with train, not 0\.6; data\.splits=\{train: 0\.8"),
        ({"splits": {"train": 1.0}}, r"data\.splits\.train=1\.0: expected a share between 0 and 1"),
        ({"splits": {"valid": 0.1}}, r"data\.splits: no split is called valid; write data\.splits=\{train"),
        ({"splits": {"dev": "a"}}, r"data\.splits\.dev=a: expected a share"),
        ({"fold": 5}, r"data\.fold=5: expected a fold from 0 to 4, for data\.folds=5"),
        ({"fold": -1}, r"data\.fold=-1: expected a fold from 0"),
        ({"folds": 2}, r"data\.folds=2: expected at least 3"),
        ({"fold": 0, "splits": {"dev": 0.1}}, r"data\.splits and data\.fold=0 both say"),
        ({"fraction": 0}, r"data\.fraction=0: expected a share of the training data, above 0"),
        ({"fraction": 1.5}, r"data\.fraction=1\.5: expected"),
        ({"fraction": 0.5, "streaming": True}, r"data\.streaming=true with data\.fraction: a stream is one corpus"),
        ({"sources": ["a"], "streaming": True}, r"data\.streaming=true with data\.sources"),
        ({"sources": []}, r"data\.sources: expected corpora, found none"),
        ({"sources": ["x/a", "y/a"]}, r"two sources are called a; give them names"),
        ({"sources": {"a": {"wieght": 2}}}, r"data\.sources\.a\.wieght: a source has no key .*did you mean weight"),
        ({"sources": {"a": {"weight": 0}}}, r"data\.sources\.a\.weight=0: expected a number above 0"),
        ({"sources": {"a": {"weight": -1}}}, r"data\.sources\.a\.weight=-1"),
        ({"sources": {"f1": {}}}, r"'f1' cannot be the name of a source"),
        ({"sources": {"a": 3}}, r"data\.sources\.a=3: expected keys such as dir"),
        ({"sources": [3]}, r"data\.sources: expected folders, found 3"),
        ({"label_map": {"A": 3}}, r"data\.label_map: expected names of entity types, or null .* found 'A': 3"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        module(tmp_path, **options)


def test_splits_of_a_corpus_that_has_them_are_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=EASY, dev=EASY)
    with pytest.raises(DataError, match=r"data\.splits makes a dev split, but dev\.conll is there; leave dev out"):
        read(tmp_path, splits={"dev": 0.1})
    assert set(read(tmp_path, splits={"test": 0.1}).sentences) == {"train", "dev", "test"}


def test_a_split_without_entity_is_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=["Ann/B-PER", *(f"nothing here {n}" for n in range(30))])
    with pytest.raises(DataError, match=r"data\.splits: the dev split would have \d+ sentences and no entity; give it"):
        read(tmp_path, splits={"dev": 0.2})


def test_the_only_file_is_the_corpus(tmp_path: Path) -> None:
    write_corpus(tmp_path, **{"all.of.it": EASY})
    (tmp_path / "README.md").write_text("about", encoding="utf-8")
    data = read(tmp_path, splits={"dev": 0.2, "test": 0.2})
    assert sum(map(len, data.sentences.values())) == len(EASY)
    write_corpus(tmp_path, more=EASY)
    with pytest.raises(
        DataError, match=r"one file with the whole corpus, several could be it: all\.of\.it\.conll, more"
    ):
        read(tmp_path, splits={"dev": 0.2})
    assert len(read(tmp_path, splits={"dev": 0.2}, train="more.conll").sentences) == 2


def test_folds_take_train_and_dev_and_leave_test_alone(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=EASY[:30], dev=EASY[30:40], test=["Zoe/B-PER"])
    folds = [read(tmp_path, fold=fold) for fold in range(5)]
    tested = [text for fold in folds for text in texts(fold, "test")]
    assert len(tested) == 40
    assert "Zoe" not in tested
    for fold, following in zip(folds, [*folds[1:], folds[0]], strict=True):
        assert texts(fold, "dev") == texts(following, "test")
        assert not {*texts(fold, "train")} & {*texts(fold, "dev"), *texts(fold, "test")}
        assert sum(map(len, fold.sentences.values())) == 40


def test_a_fraction_leaves_dev_and_test_as_they_are(tmp_path: Path) -> None:
    write_corpus(tmp_path, train=EASY, dev=EASY[:5], test=EASY[5:9])
    small, large, whole = (read(tmp_path, fraction=fraction) for fraction in (0.1, 0.3, 1.0))
    assert {*texts(small, "train")} < {*texts(large, "train")} < {*texts(whole, "train")}
    assert [len(each.sentences["train"]) for each in (small, large)] == [
        round(share * len(EASY)) for share in (0.1, 0.3)
    ]
    for split in ("dev", "test"):
        assert texts(small, split) == texts(whole, split)
    assert whole.sources.are_files
    assert whole.sentences["train"].report == small.sources.corpora[0].seen[tmp_path / "train.conll"].report


@pytest.mark.parametrize("words", [{}, {"fold": 0, "folds": 3}, {"streaming": True}, {"cache": None}])
def test_a_sentence_of_too_many_words_is_refused_by_its_key(tmp_path: Path, words: dict[str, Any]) -> None:
    write_corpus(tmp_path, train=[*EASY, " ".join("abcdefghijkl")], dev=EASY[:2])
    kept = {"cache": str(tmp_path / "cache")} | words
    assert read(tmp_path, **kept, longest_sentence=12).reports["train"].sentences
    assert read(tmp_path, **kept, longest_sentence=None).reports["train"].sentences
    with pytest.raises(DataError, match=r"train\.conll:\d+: .* at most 11 words, .*data\.longest_sentence=NUMBER"):
        read(tmp_path, **kept, longest_sentence=11)
    with pytest.raises(DataError, match=r"data\.longest_sentence=0: expected a whole number from 1 on"):
        read(tmp_path, **kept, longest_sentence=0)


def test_what_was_read_is_not_refused_where_corpora_are_put_together(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", train=EASY)
    write_corpus(tmp_path / "b", train=EASY)
    defaults = (*(ReadReport.__init__.__defaults__ or ())[:-1], SentenceLimit(2))  # of reports that nobody gave another
    with patch.object(ReadReport.__init__, "__defaults__", defaults):
        data = read(tmp_path, sources=["a", "b"], longest_sentence=None)
    assert len(data.sentences["train"]) == 2 * len(EASY)


def test_types_are_renamed_and_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_corpus(tmp_path / "a", train=["Ann/B-PER Oslo/B-GPE"])
    write_corpus(tmp_path / "b", train=["Rome/B-CITY Bob/B-PER"])
    sources = {"a": {}, "b": {"label_map": {"CITY": "GPE"}}}
    data = read(tmp_path, sources=sources, label_map={"GPE": "LOC", "PER": None, "NOBODY": "X"})
    assert "data.label_map names NOBODY, and no sentence" in caplog.text
    assert [[(s.start, s.label) for s in each.spans] for each in data.sentences["train"]] == [
        [(1, "LOC")],
        [(0, "LOC")],
    ]
    assert data.tag_set().types == ("LOC",)
    assert data.sources.weighted() is None


def test_what_two_sources_both_have_is_not_in_train_and_test(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", all=EASY)
    write_corpus(tmp_path / "b", all=[*EASY[::2], "Zoe/B-PER", "Ulm/B-LOC"])
    data = read(tmp_path, sources=["a", "b"], splits={"dev": 0.2, "test": 0.2})
    assert not {*texts(data, "train")} & {*texts(data, "dev"), *texts(data, "test")}
    assert {name for split in data.sentences for name in data.sources.extents[split]} == {"a", "b"}


@pytest.mark.parametrize(
    "shares",
    [
        ({"dev": 0.3}, {"dev": 0.2}),
        ({"dev": 0.3, "test": 0.2}, {"dev": 0.2}),
        ({"dev": 0.2}, {"dev": 0.3, "test": 0.2}),
        ({"test": 0.3}, {"dev": 0.3}),
        ({"dev": 0.3}, {"dev": 0.2, "test": 0.1}, {"test": 0.3}),
    ],
)
def test_what_sources_of_different_shares_have_in_common_stays_together(
    tmp_path: Path, shares: tuple[dict[str, float], ...]
) -> None:
    for number in range(len(shares)):
        write_corpus(tmp_path / f"s{number}", all=EASY)
    sources = {f"s{number}": {"splits": own} for number, own in enumerate(shares)}
    data = read(tmp_path, sources=sources)
    held_out = [text for split in ("dev", "test") if split in data.sentences for text in texts(data, split)]
    assert not {*texts(data, "train")} & {*held_out}
    assert sum(map(len, data.sentences.values())) == len(shares) * len(EASY)
    for name, node in sources.items():
        for split in ("dev", "test"):
            extent = data.sources.extents.get(split, {}).get(name)
            assert (extent is not None) == (split in node["splits"])


def test_what_a_file_of_one_source_has_goes_to_that_split_of_another(tmp_path: Path) -> None:
    write_corpus(tmp_path / "files", train=EASY[:20], dev=EASY[20:30], test=EASY[30:40])
    write_corpus(tmp_path / "whole", all=EASY)
    sources = {"files": {"splits": None}, "whole": {"splits": {"dev": 0.3, "test": 0.3}}}
    data = read(tmp_path, sources=sources)
    parts = {split: set(texts(data, split)) for split in ("train", "dev", "test")}
    assert sum(map(len, parts.values())) == len(set.union(*parts.values()))
    assert data.sources.counts()["dev"]["whole"]["sentences"] >= 10


def test_a_split_that_no_source_has_is_named(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", train=EASY)
    with pytest.raises(DataError, match=r"no dev split: none of the sources a has a file called dev; name one with"):
        module(tmp_path, sources=["a"]).read("train", "dev", required=("train", "dev"))


def test_divided_sources_are_kept(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", all=EASY)
    options = {"sources": ["a"], "splits": {"dev": 0.2}, "cache": str(tmp_path / "cache")}
    once, again = (read(tmp_path, **options) for _ in range(2))
    assert once.sentences["train"].key == again.sentences["train"].key is not None
    assert (
        [*once.sentences["train"]]
        == [*again.sentences["train"]]
        == [*read(tmp_path, **{**options, "cache": None}).sentences["train"]]
    )
    other = read(tmp_path, **options, split_seed=1)
    assert other.sentences["train"].key != once.sentences["train"].key


@pytest.mark.parametrize("options", [{"fold": 0, "folds": 3}, {"splits": {"dev": 0.3, "test": 0.3}}])
def test_what_two_corpora_have_in_common_stays_together(tmp_path: Path, options: dict[str, Any]) -> None:
    write_corpus(tmp_path / "a", train=EASY[:30])
    write_corpus(tmp_path / "b", train=EASY[10:40])
    data = read(tmp_path, sources=["a", "b"], **options)
    parts = {split: set(texts(data, split)) for split in ("train", "dev", "test")}
    assert all(parts.values())
    assert sum(map(len, parts.values())) == len(set.union(*parts.values())) == len({*map(str, EASY[:40])})
