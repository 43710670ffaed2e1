"""Spans, tag schemes and tag inventories; standard library only."""

from ner_lightning.tagging.schemes import (
    ALIASES,
    SCHEMES,
    Decoded,
    Repair,
    detect_scheme,
    irregular_steps,
    is_transition_allowed,
    scheme_named,
    spans_to_tags,
    split_tag,
    tags_to_spans,
)
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet

__all__ = [
    "ALIASES",
    "SCHEMES",
    "Decoded",
    "EntitySpan",
    "Repair",
    "TagSet",
    "detect_scheme",
    "irregular_steps",
    "is_transition_allowed",
    "scheme_named",
    "spans_to_tags",
    "split_tag",
    "tags_to_spans",
]
