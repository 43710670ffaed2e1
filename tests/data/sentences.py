"""Sentences of every kind, drawn by hypothesis."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.spans import EntitySpan

TYPES = ("LOC", "PER", "地名")
WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """One sentence: spans, unknown words, a text, an id and a document, or none of them."""
    words = tuple(draw(st.lists(WORD, min_size=1, max_size=8)))
    edges = sorted(draw(st.sets(st.integers(0, len(words)))))
    pairs = [(a, b) for a, b in pairwise(edges) if draw(st.booleans())]
    spans = tuple(EntitySpan(a, b, draw(st.sampled_from(TYPES))) for a, b in pairs)
    unknown = tuple(sorted(draw(st.sets(st.integers(0, len(words) - 1)))))
    text, offsets = None, None
    if draw(st.booleans()):
        text = " ".join(words)
        starts = [sum(len(word) + 1 for word in words[:i]) for i in range(len(words))]
        offsets = tuple((start, start + len(word)) for start, word in zip(starts, words, strict=True))
    name, document = draw(st.sampled_from(["", "a.conll:1", "句"])), draw(st.sampled_from(["", "d1", "d2"]))
    return Sentence(words, spans, unknown, name, document, text, offsets)
