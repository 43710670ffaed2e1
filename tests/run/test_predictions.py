from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.errors import DataError
from ner_lightning.run.predictions import StoredSentence, read_stored
from ner_lightning.tagging.spans import EntitySpan, ScoredSpan

spans = st.builds(EntitySpan, st.integers(0, 9), st.integers(0, 9), st.text(max_size=3))
scored = st.builds(ScoredSpan, spans, st.integers(0, 10**6).map(lambda n: n / 10**6))
sentences = st.builds(
    StoredSentence,
    id=st.text(),
    document=st.text(),
    words=st.lists(st.text(), min_size=1, max_size=4).map(tuple),
    gold=st.lists(spans, max_size=3).map(tuple),
    predicted=st.lists(scored, max_size=3).map(tuple),
    predicted_tags=st.none() | st.lists(st.text(), max_size=4).map(tuple),
    unknown=st.lists(st.integers(0, 9), max_size=3).map(tuple),
)


@given(sentences)
def test_what_is_written_is_read_and_stands_in_one_line(sentence: StoredSentence) -> None:
    line = sentence.to_json()
    assert "\n" not in line
    assert StoredSentence.from_json(line) == sentence


def test_probabilities_have_six_digits_and_characters_stay_readable() -> None:
    found = (ScoredSpan(EntitySpan(0, 2, "LOC"), 0.123456789),)
    line = StoredSentence("1", "d", ("北", "京"), (), found).to_json()
    assert '[0, 2, "LOC", 0.123457]' in line
    assert "北" in line
    assert "unknown" not in line
    assert "predicted_tags" not in line


def test_line_separators_inside_words_do_not_end_a_sentence(tmp_path: Path) -> None:
    sentence = StoredSentence("1", "", ("a\u2028b", "c\x85"), (), ())
    path = tmp_path / "test.jsonl"
    path.write_text(f"{sentence.to_json()}\n{sentence.to_json()}\n", encoding="utf-8")
    assert list(read_stored(path)) == [sentence, sentence]


def test_tags() -> None:
    ann, bob = EntitySpan(0, 2, "PER"), EntitySpan(3, 4, "PER")
    sentence = StoredSentence("1", "", ("Ann", "Lee", "met", "Bob"), (ann, bob), (ScoredSpan(ann, 0.9),))
    assert sentence.gold_tags("BIOES") == ["B-PER", "E-PER", "O", "S-PER"]
    assert sentence.found_tags("BIOES") == ["B-PER", "E-PER", "O", "O"]
    broken = StoredSentence("1", "", ("Ann", "Lee"), (), (ScoredSpan(ann, 0.1),), ("I-PER", "I-PER"))
    assert broken.found_tags("IOB2") == ["I-PER", "I-PER"]
    partial = StoredSentence("1", "", ("Ann", "Lee", "met", "Bob"), (bob,), (ScoredSpan(ann, 0.1),), unknown=(1,))
    assert partial.found_tags("IOB2") == ["O"] * 4
    assert partial.gold_tags("IOB2") == ["O", "O", "O", "B-PER"]
    tags = ("I-PER", "I-PER", "I-LOC", "I-PER")
    assert replace(partial, predicted_tags=tags).found_tags("IOB2") == ["O", "O", "O", "I-PER"]


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "2", "docu',  # the run was interrupted
        "",
        "[1, 2]",
        '{"id": "2"}',
        '{"id": "2", "document": "", "words": ["a"], "gold": [[0, 1]], "predicted": []}',
        '{"id": "2", "document": "", "words": ["a"], "gold": [], "predicted": [[0, 1, "LOC"]]}',
        '{"id": "2", "document": "", "words": ["a"], "gold": [], "predicted": [[]]}',
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(f"{StoredSentence('1', '', ('a',), (), ()).to_json()}\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"test.jsonl:2: expected a stored prediction .*; evaluate the run again"):
        list(read_stored(path))


def test_reading_needs_no_torch() -> None:
    code = "import sys, ner_lightning.analysis.calibration, ner_lightning.run.predictions\n"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
