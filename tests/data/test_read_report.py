"""The report counts what passes; the error names its place and survives a worker process."""

from __future__ import annotations

import pickle

import pytest

from ner_lightning.data.read_report import LISTED_PROBLEMS, ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.tagging import EntitySpan


def test_counts():
    report = ReadReport()
    for _ in range(2):
        report.count(Sentence(("a", "b", "c"), (EntitySpan(0, 1, "X"), EntitySpan(1, 2, "Y")), unknown=(2,)))
    assert (report.sentences, report.words, report.entities, report.unknown_words) == (2, 6, 4, 2)
    assert report.types == {"X": 2, "Y": 2}


def test_problems_are_bounded_but_counted():
    report = ReadReport()
    for line in range(LISTED_PROBLEMS + 5):
        report.note("odd", "f", line)
    assert (len(report.problems), report.unlisted, str(report.problems[3])) == (LISTED_PROBLEMS, 5, "f:3: odd")


@pytest.mark.parametrize(
    ("words", "found"), [((), "it has no words"), (("Ann", ""), "word 2 is empty"), (("",), "word 1 is empty")]
)
def test_a_sentence_without_words_is_refused_with_its_reader(words: tuple[str, ...], found: str) -> None:
    with pytest.raises(DataError) as error:
        ReadReport(reader="Mine").count(Sentence(words, id="a:2"), "a", 2)
    assert str(error.value).startswith(f"a:2: Mine yields the sentence 'a:2', but {found}; ")


def test_places():
    assert str(DataError("what")) == "what"
    assert str(DataError("what", "f")) == "f: what"
    error = DataError("what", "f", 3)
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "f:3: what"


def test_an_error_that_quotes_a_whole_line_keeps_its_beginning_and_its_remedy() -> None:
    error = DataError(f"expected a tag, found {'x' * 100_000!r}; correct it", "a.conll", 3)
    assert str(error).startswith("a.conll:3: expected a tag, found 'xxx")
    assert str(error).endswith("xxx'; correct it")
    assert len(str(error)) < 1200
