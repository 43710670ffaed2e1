"""From written text to tagged, sometimes careless, words."""

import random

import pytest

from tools.sample_corpora.english import rows, spell
from tools.sample_corpora.grammar import Written
from tools.sample_corpora.noise import slip


def test_neighbouring_entities_begin_twice() -> None:
    written = Written("told Ann Bo Ann left", ((5, 8, "PER"), (9, 15, "PER")))
    assert [tag for _, tag in rows(written)] == ["O", "B-PER", "B-PER", "I-PER", "O"]


@pytest.mark.parametrize(
    ("register", "text"), [("headline", "AN EGG IN RIGA"), ("chat", "an egg in riga"), ("edited", "An egg in Riga")]
)
def test_registers(register: str, text: str) -> None:
    calm = random.Random(0)
    calm.random = lambda: 0.999  # type: ignore[method-assign]
    sentence = [("a", "O"), ("egg", "O"), ("in", "O"), ("Riga", "B-LOC")]
    assert spell(sentence, register, calm) == list(zip(text.split(), ["O", "O", "O", "B-LOC"], strict=True))


def test_a_small_mention_is_small_throughout_and_alone() -> None:
    careless = random.Random(0)
    draws = iter([0.9, 0.0, 0.9, 0.9, 0.9])  # no slip; small, no slip; no slip; no slip
    careless.random = lambda: next(draws)  # type: ignore[method-assign]
    sentence = [("In", "O"), ("New", "B-LOC"), ("York", "I-LOC"), ("It", "O")]
    assert [word for word, _ in spell(sentence, "edited", careless)] == ["In", "new", "york", "It"]


def test_a_slip_leaves_short_words_and_numbers_alone_and_never_empties() -> None:
    rng = random.Random(0)
    assert {slip(word, rng) for word in ("Lee", "1984", "U.S.A", "'s")} == {"Lee", "1984", "U.S.A", "'s"}
    lengths = {len(slip("Lisbon", rng)) for _ in range(60)}
    assert lengths == {5, 6, 7}
