"""Every file of the development corpora: sentences, words, entities, scheme and known slips."""

from __future__ import annotations

import pytest

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.readers.jsonl import JsonlReader

pytestmark = pytest.mark.corpora

# corpus, file, scheme, sentences, words, entities
TABLE = """
conll2003           train  IOB1   14041  203621  23499
conll2003           dev    IOB1    3250   51362   5942
conll2003           test   IOB1    3453   46435   5648
wnut17              train  IOB2    3394   62730   1975
wnut17              dev    IOB2    1009   15733    836
wnut17              test   IOB2    1287   23394   1079
crossner-politics   train  IOB2     200    8384   1304
crossner-politics   dev    IOB2     541   24624   3482
crossner-politics   test   IOB2     651   27585   4209
crossner-science    train  IOB2     200    7100   1075
crossner-science    dev    IOB2     450   16139   2538
crossner-science    test   IOB2     543   19487   3089
crossner-music      train  IOB2     100    3909    648
crossner-music      dev    IOB2     380   15591   2679
crossner-music      test   IOB2     465   19605   3336
crossner-literature train  IOB2     100    3782    541
crossner-literature dev    IOB2     400   14503   2130
crossner-literature test   IOB2     416   16157   2266
crossner-ai         train  IOB2     100    3782    532
crossner-ai         dev    IOB2     350   10919   1549
crossner-ai         test   IOB2     431   12991   1809
wikigold            all    IO      1696   39007   3558
uner-en-ewt         dev    IOB2    2001   25149    966
uner-en-ewt         test   IOB2    2077   25097   1088
uner-en-pud         test   IOB2    1000   21176   1075
uner-zh-pud         test   IOB2    1000   21415   1139
uner-zh-gsdsimp     train  IOB2    3997   98616   6118
uner-zh-gsdsimp     dev    IOB2     500   12663    753
uner-zh-gsdsimp     test   IOB2     500   12012    763
resume-zh           train  BMES    3821  124099  13440
resume-zh           dev    BMES     463   13890   1497
resume-zh           test   BMES     477   15100   1630
cluener             train  -      10748  401764  23972
cluener             dev    -       1343   50260   3072
youku-zh            train  IOB2    8001  136240  12754
youku-zh            dev    IOB2    1000   16346   1581
youku-zh            test   IOB2    1001   17213   1570
uner-da-ddt         train  IOB2    4383   80378   3028
uner-da-ddt         dev    IOB2     564   10332    379
uner-da-ddt         test   IOB2     565   10023    447
uner-pt-bosque      train  IOB2    7018  171776   8101
uner-pt-bosque      dev    IOB2    1172   28447   1401
uner-pt-bosque      test   IOB2    1167   27604   1215
masakhaner2-swa     train  IOB2    6593  175160  14583
masakhaner2-swa     dev    IOB2     942   25251   2018
masakhaner2-swa     test   IOB2    1883   51179   4330
conllpp             test   IOB2    3453   46435   5702
"""
FILES = {tuple(row.split()[:2]): row.split()[2:] for row in TABLE.strip().splitlines()}
TYPES = {
    "conll2003": 4,
    "wnut17": 6,
    "crossner-politics": 9,
    "crossner-science": 17,
    "crossner-music": 13,
    "crossner-literature": 12,
    "crossner-ai": 14,
    "wikigold": 4,
    "uner-en-ewt": 3,
    "uner-en-pud": 3,
    "uner-zh-pud": 3,
    "uner-zh-gsdsimp": 3,
    "resume-zh": 8,
    "cluener": 10,
    "youku-zh": 3,
    "uner-da-ddt": 3,
    "uner-pt-bosque": 3,
    "masakhaner2-swa": 4,
    "conllpp": 4,
}
OTHERS = ("litbank-nested", "litbank-text")  # no columns and no JSON

# Forbidden steps. resume-zh: two sentences cut inside an entity, each an end without E- and a begin without B-.
REPAIRED = {
    ("conll2003", "train"): 2,
    ("resume-zh", "train"): 4,
    ("uner-da-ddt", "train"): 6,
    ("uner-da-ddt", "test"): 1,
    ("masakhaner2-swa", "test"): 1,
}
# One sentence: a book title that holds two companies.
NESTED = {("cluener", "train"): 2}


@pytest.fixture(scope="session")
def read_corpus(corpora):
    kept = {}

    def reading(corpus, split):
        if (corpus, split) not in kept:
            path = next((corpora / corpus).glob(f"{split}.*"))
            reader = {
                ".jsonl": JsonlReader(),
                ".iob2": ConllReader(word_column=1, tag_column=2),
            }.get(path.suffix, ConllReader())
            report = ReadReport()
            kept[corpus, split] = list(reader.read(path, report)), report
        return kept[corpus, split]

    return reading


def test_every_file_is_listed(corpora):
    found = {(path.parent.name, path.stem) for path in corpora.glob("*/*") if path.parent.name not in OTHERS}
    assert found == set(FILES)
    assert {corpus for corpus, _ in FILES} == set(TYPES)


@pytest.mark.parametrize(("corpus", "split"), FILES)
def test_counts(read_corpus, corpus, split):
    scheme, *numbers = FILES[corpus, split]
    sentences, report = read_corpus(corpus, split)
    assert report.scheme == scheme.replace("-", "")
    assert [report.sentences, report.words, report.entities + report.nested] == list(map(int, numbers))
    assert report.repaired == REPAIRED.get((corpus, split), 0)
    assert report.nested == NESTED.get((corpus, split), 0)
    assert (report.misaligned, report.overlapping, report.empty_sentences, report.unknown_words) == (0, 0, 0, 0)
    assert len(report.problems) == report.repaired + report.nested
    assert report.words == sum(len(sentence.words) for sentence in sentences)
    assert report.types.total() == report.entities == sum(len(sentence.spans) for sentence in sentences)


@pytest.mark.parametrize("corpus", TYPES)
def test_types(read_corpus, corpus):
    found = {label for name, split in FILES if name == corpus for label in read_corpus(name, split)[1].types}
    assert len(found) == TYPES[corpus]


def test_what_was_repaired(read_corpus):
    problems = read_corpus("resume-zh", "train")[1].problems
    assert [problem.what for problem in problems] == [
        "the scheme BMES forbids the end after M-ORG (conlleval)",
        "the scheme BMES forbids M-ORG after the start (conlleval)",
    ] * 2
    danish = [problem for split in ("train", "test") for problem in read_corpus("uner-da-ddt", split)[1].problems]
    assert len(danish) == 7
    assert all(" forbids I-" in problem.what for problem in danish)
    nested = read_corpus("cluener", "train")[1].problems
    assert len({problem.line for problem in nested}) == 1


def test_invisible_words_are_there(read_corpus):
    tokens = [word for split in ("train", "dev", "test") for s in read_corpus("wnut17", split)[0] for word in s.words]
    assert tokens.count("\ufe0f") == 7
    tokens = [word for split in ("train", "dev", "test") for s in read_corpus("youku-zh", split)[0] for word in s.words]
    assert {"\u3000", "\xa0"} <= set(tokens)
    assert not any(word.endswith("\r") for word in tokens)


def test_documents_and_texts(read_corpus):
    assert read_corpus("conll2003", "train")[1].documents == 946
    sentences, report = read_corpus("uner-en-pud", "test")
    assert report.documents == 397
    assert sentences[0].id == "n01001-0001"
    assert sum(sentence.text is not None for sentence in sentences) > 900
