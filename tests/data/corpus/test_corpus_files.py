import os
from pathlib import Path
from unittest.mock import patch

import pytest
from transformers import PreTrainedTokenizerFast

from ner_lightning.data.corpus import corpus_files
from ner_lightning.data.corpus.corpus_files import CorpusFiles
from ner_lightning.data.corpus.encoding import EncodedCorpus, WordEncoder
from ner_lightning.data.corpus.sentence_store import SentenceStore
from ner_lightning.data.readers.brat import BratReader
from ner_lightning.data.readers.by_ending import ReaderByEnding
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.reader import Reader
from ner_lightning.errors import DataError
from ner_lightning.model.pretrained.names import load_tokenizer
from ner_lightning.storage import fingerprint
from ner_lightning.storage.cache import Cache
from ner_lightning.tagging.tagset import TagSet
from tests.runs import EASY, write_corpus

TAGS = TagSet(("LOC", "PER"), "IOB2")


class Watched(ConllReader):
    """Counts how often a file is read."""

    reads = 0

    def read(self, path, report):
        type(self).reads += 1
        return super().read(path, report)


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PreTrainedTokenizerFast:
    return load_tokenizer(str(tiny_encoder))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Watched.reads = 0
    return write_corpus(tmp_path / "corpus", train=EASY) / "train.conll"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 10**9)


def read(cache: Cache | None, file: Path, limit: int | None = None, **options) -> tuple[SentenceStore, int]:
    """What a fresh start finds, and how often it has read the file."""
    before = Watched.reads
    return CorpusFiles(Watched(**options), cache, limit).sentences(file), Watched.reads - before


def encoded(cache: Cache | None, store: SentenceStore, words: WordEncoder, tags: TagSet = TAGS):
    """What a fresh start encodes, and how often it has encoded."""
    with patch.object(corpus_files, "write_encoded", wraps=corpus_files.write_encoded) as wrapped:
        corpus = CorpusFiles(Watched(), cache).encoded(store, words, tags)
    return corpus, wrapped.call_count


def same(one: EncodedCorpus, two: EncodedCorpus) -> bool:
    names = ("pieces", "piece_start", "word_start", "tags")
    return all((getattr(one, name) == getattr(two, name)).all() for name in names)


def test_a_second_start_reads_and_encodes_nothing(cache: Cache, file: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    first, reads = read(cache, file)
    again, more = read(cache, file)
    assert (reads, more) == (1, 0)
    assert list(again) == list(first) == list(read(None, file)[0])
    assert again.report == first.report == read(None, file)[0].report
    one, built = encoded(cache, first, WordEncoder(tokenizer, 64))
    two, rebuilt = encoded(cache, again, WordEncoder(tokenizer, 64))
    assert (built, rebuilt) == (1, 0)
    assert same(one, two)
    assert same(one, encoded(None, first, WordEncoder(tokenizer, 64))[0])


def test_without_a_cache_nothing_is_kept(file: Path) -> None:
    assert [read(None, file)[1], read(None, file)[1]] == [1, 1]


def test_another_content_is_read_anew(cache: Cache, file: Path) -> None:
    read(cache, file)
    time = file.stat()
    file.write_text(file.read_text().replace("Oslo", "Rome"))  # as long as before

    os.utime(file, ns=(time.st_atime_ns, time.st_mtime_ns))
    store, reads = read(cache, file)
    assert reads == 1
    assert "Oslo" not in store.words(0, len(store))


def test_the_same_content_elsewhere_is_not_read_again(cache: Cache, file: Path, tmp_path: Path) -> None:
    read(cache, file)
    moved = tmp_path / "elsewhere" / file.name
    moved.parent.mkdir()
    file.rename(moved)
    assert read(cache, moved)[1] == 0
    assert read(cache, moved.rename(moved.with_name("other.conll")))[0][0].id == "other.conll:1"


@pytest.mark.parametrize("reader", [BratReader(), ReaderByEnding()], ids=["brat", "by ending"])
def test_annotations_beside_a_text_are_its_content(cache: Cache, tmp_path: Path, reader: Reader) -> None:
    text, standoff = tmp_path / "doc.txt", tmp_path / "doc.ann"
    text.write_text("Ann met Bob.\n")
    files = CorpusFiles(reader, cache)
    found = []
    for lines in ("T1\tPER 0 3\tAnn\n", "T1\tPER 0 3\tAnn\nT2\tPER 8 11\tBob\n"):
        standoff.write_text(lines)
        found.append((files.survey(text).entities, len(files.sentences(text)[0].spans)))
    assert found == [(1, 1), (2, 2)]


def test_other_options_are_another_entry(cache: Cache, file: Path) -> None:
    assert read(cache, file)[1] == 1
    assert read(cache, file, repair="discard")[1] == 1
    store, reads = read(cache, file, limit=3)
    assert (len(store), reads) == (3, 1)
    assert [read(cache, file)[1], read(cache, file, repair="discard")[1], read(cache, file, limit=3)[1]] == [0, 0, 0]


def test_other_code_is_another_entry(cache: Cache, file: Path) -> None:
    read(cache, file)
    with patch.object(corpus_files, "fingerprint_code", return_value=fingerprint.digest("new")):
        assert read(cache, file)[1] == 1


@pytest.mark.parametrize("changed", ["tokenizer", "room", "types", "scheme"])
def test_another_tokenizer_room_or_tag_set_is_encoded_anew(
    cache: Cache, file: Path, tokenizer: PreTrainedTokenizerFast, tiny_encoder: Path, changed: str
) -> None:
    store = read(cache, file)[0]
    encoded(cache, store, WordEncoder(tokenizer, 64))
    other = load_tokenizer(str(tiny_encoder))
    if changed == "tokenizer":
        other.add_tokens(["Oslo"])
    words = WordEncoder(other, 60 if changed == "room" else 64)
    types = ("LOC", "PER", "X") if changed == "types" else TAGS.types
    tags = TagSet(types, "BIOES" if changed == "scheme" else "IOB2")
    corpus, built = encoded(cache, store, words, tags)
    assert built == 1
    assert same(corpus, encoded(None, store, words, tags)[0])


def test_what_is_odd_about_words_is_said_at_every_start(
    cache: Cache, tmp_path: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    odd = write_corpus(tmp_path / "odd", train=[f"\u200b {'y' * 70} Oslo/B-LOC"]) / "train.conll"
    for _ in range(2):
        words = WordEncoder(tokenizer, 64)
        encoded(cache, read(cache, odd)[0], words)
        assert words.pieceless == {"\u200b"}
        assert words.shortened == {"y" * 70}


def test_of_two_splits_each_keeps_its_own_odd_words(
    cache: Cache, tmp_path: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    folder = write_corpus(tmp_path / "odd", train=["\u200b Oslo/B-LOC"], dev=["\u200b Rome/B-LOC"])
    words = WordEncoder(tokenizer, 64)
    for split in ("train", "dev"):
        encoded(cache, read(cache, folder / f"{split}.conll")[0], words)
    alone = WordEncoder(tokenizer, 64)
    assert encoded(cache, read(cache, folder / "dev.conll")[0], alone)[1] == 0
    assert alone.pieceless == {"\u200b"}


def test_a_faulty_file_is_refused_and_not_kept(cache: Cache, file: Path) -> None:
    file.write_text(file.read_text() + "one\ttwo\tthree\n")
    for _ in range(2):
        with pytest.raises(DataError, match=r"train\.conll:\d+: expected 2 columns"):
            read(cache, file)


def test_a_reader_nobody_can_name_works_without_a_cache(cache: Cache, file: Path) -> None:
    reader = Watched()
    reader.extra = object()  # type: ignore[attr-defined]
    store = CorpusFiles(reader, cache).sentences(file)
    assert len(store) == len(EASY)
    assert not cache.folder.exists()
