"""What a varied sentence may look like, written down word by word."""

from __future__ import annotations

from collections.abc import Sequence

from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet

Tagged = tuple[tuple[str, str | None], ...]
"""Words with their tags, None where nobody annotated."""


def tagged(sentence: Sentence, tags: TagSet) -> Tagged:
    ids = tags.encode(sentence.spans, len(sentence.words))
    known = [None if index in sentence.unknown else tags.tags[tag] for index, tag in enumerate(ids)]
    return tuple(zip(sentence.words, known, strict=True))


def whole(sentence: Sentence, span: EntitySpan, scheme: str) -> bool:
    """Whether a mention's words are annotated, and its end can be told."""
    if any(index in sentence.unknown for index in range(span.start, span.end)):
        return False
    return scheme == "BIOES" or span.end not in sentence.unknown


def with_other_mentions(
    sentence: Sentence, corpus: Sequence[Sentence], tags: TagSet, probability: float
) -> list[set[Tagged]]:
    """What may stand where, from left to right: one word, or a mention."""
    own = tagged(sentence, tags)
    slots: list[set[Tagged]] = []
    index = 0
    while index < len(own):
        span = next((span for span in sentence.spans if span.start == index), None)
        if span is None or not whole(sentence, span, tags.scheme):
            slots.append({(own[index],)})
            index += 1
            continue
        mention = own[span.start : span.end]
        others = {
            tagged(other, tags)[entity.start : entity.end]
            for other in corpus
            for entity in other.spans
            if entity.label == span.label and whole(other, entity, tags.scheme)
        }
        slots.append(_choice(mention, others, probability))
        index = span.end
    return slots


def with_other_words(
    sentence: Sentence, corpus: Sequence[Sentence], tags: TagSet, probability: float
) -> list[set[Tagged]]:
    """What may stand for each word."""
    words = {pair for other in corpus for pair in tagged(other, tags)}
    slots = []
    for word, tag in tagged(sentence, tags):
        others: set[Tagged] = {((other, tag),) for other, its in words if its == tag and tag is not None}
        slots.append(_choice(((word, tag),), others, probability))
    return slots


def _choice(own: Tagged, others: set[Tagged], probability: float) -> set[Tagged]:
    different = {other for other in others if [word for word, _ in other] != [word for word, _ in own]}
    if probability == 0 or not different:
        return {own}
    return different if probability == 1 else different | {own}


def may_be(found: Tagged, slots: list[set[Tagged]]) -> bool:
    """Whether words are one of the choices of each slot, one after another."""
    ends = {0}
    for slot in slots:
        ends = {end + len(way) for end in ends for way in slot if found[end : end + len(way)] == way}
    return len(found) in ends
