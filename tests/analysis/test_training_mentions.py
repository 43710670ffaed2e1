from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ner_lightning.analysis.training_mentions import mention_counts, mention_of, read_mentions, write_mentions
from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.tagging.spans import EntitySpan


def test_surface_and_type_count() -> None:
    sentences = [
        Sentence(("Ann", "Lee", "in", "Lee"), (EntitySpan(0, 2, "PER"), EntitySpan(3, 4, "LOC"))),
        Sentence(("Lee",), (EntitySpan(0, 1, "PER"),)),
        Sentence(("lee", "Lee"), (EntitySpan(1, 2, "LOC"),)),
    ]
    assert mention_counts(sentences) == {("Ann Lee", "PER"): 1, ("Lee", "LOC"): 2, ("Lee", "PER"): 1}
    assert mention_of(("北", "京"), EntitySpan(0, 2, "LOC")) == ("北 京", "LOC")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), st.integers(1, 9)
    )
)
def test_what_is_written_is_read(tmp_path: Path, counts: dict) -> None:
    write_mentions(tmp_path / "new" / "mentions.json", counts)
    assert read_mentions(tmp_path / "new" / "mentions.json") == Counter(counts)


def test_the_file_is_for_people_too(tmp_path: Path) -> None:
    path = tmp_path / "mentions.json"
    write_mentions(path, {("Oslo", "LOC"): 2, ("Ålesund", "LOC"): 1, ("Bergen", "LOC"): 2, ("Ann", "PER"): 1})
    assert list(read_mentions(path)) == [("Bergen", "LOC"), ("Oslo", "LOC"), ("Ålesund", "LOC"), ("Ann", "PER")]
    assert "Ålesund" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"LOC": 3}', '{"LOC": {"Oslo": "2"}}', '{"LOC": {"Oslo": 0}}', '{"LOC": {"Os']
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mentions.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"mentions.json: expected counts of training mentions .*; train the run again"):
        read_mentions(path)
