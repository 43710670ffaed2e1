"""Chunks of a stream are checked against the whole of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ner_lightning.data.sentence import Sentence
from ner_lightning.inference.neighbours import cut_chunks

SENTENCES = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["", "a", "b"])), max_size=20).map(
    lambda drawn: [Sentence(("x",) * n, id=str(i), document=document) for i, (n, document) in enumerate(drawn)]
)


def around(sentences: list[Sentence], index: int, step: int, reach: int) -> list[str]:
    """The documents' words on one side of a sentence, each as the number of its sentence."""
    words: list[str] = []
    place, document = index + step, sentences[index].document
    while document and 0 <= place < len(sentences) and sentences[place].document == document:
        words += [sentences[place].id] * len(sentences[place].words)
        place += step
    return words[:reach]


@given(SENTENCES, st.integers(1, 6), st.integers(0, 7))
def test_every_sentence_stands_once_among_its_neighbours(sentences: list[Sentence], size: int, reach: int) -> None:
    own: list[Sentence] = []
    for chunk in cut_chunks(sentences, size, reach):
        assert len(chunk.own) <= size
        for place in range(chunk.first, chunk.first + len(chunk.own)):
            index = int(chunk.sentences[place].id)
            for step in (-1, 1):
                assert around(chunk.sentences, place, step, reach) == around(sentences, index, step, reach)
        own += chunk.own
    assert own == sentences


def test_without_context_nothing_is_read_ahead() -> None:
    stream = iter([Sentence((word,), document="a") for word in "abcd"])
    chunk = next(cut_chunks(stream, 2, 0))
    assert [len(part) for part in chunk] == [0, 2, 0]
    assert next(stream).words == ("c",)


def test_no_more_is_read_ahead_than_the_context_needs() -> None:
    stream = iter([Sentence((word,), document="a") for word in "abcdef"])
    assert len(next(cut_chunks(stream, 2, 1)).after) == 1
    assert next(stream).words == ("d",)
