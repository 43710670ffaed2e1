"""Random entities over words, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from ner_lightning.tagging import EntitySpan

TYPES = st.sampled_from(["PER", "LOC", "creative-work"])


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[EntitySpan], int]:
    """Spans that do not overlap, neighbours of one type among them."""
    position, spans = 0, []
    for gap, length, label in draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), TYPES), max_size=5)):
        spans.append(EntitySpan(position + gap, position + gap + length, label))
        position += gap + length
    return spans, position + draw(st.integers(0, 2))
