"""The inventory of tags a model works in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ner_lightning.tagging.schemes import (
    Decoded,
    is_transition_allowed,
    scheme_named,
    spans_to_tags,
    split_tag,
    tags_to_spans,
)
from ner_lightning.tagging.spans import EntitySpan

MODEL_SCHEMES = ("IOB2", "BIOES")
PREFIX_CODES = {"O": 0, "B": 1, "I": 2, "E": 3, "S": 4}
_PREFIXES = {"IOB2": "BI", "BIOES": "BIES"}


@dataclass(frozen=True)
class TagSet:
    """All tags of a model: O with id 0, then B- I- (E- S-) of each type, types in the given order.

    Args:
        types: entity types, none twice.
        scheme: `IOB2` or `BIOES`.

    Raises:
        ValueError: another scheme, an empty type, or a type given twice.

    >>> TagSet(("LOC", "PER"), "IOB2").tags
    ('O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER')
    """

    types: tuple[str, ...]
    scheme: str = "BIOES"

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", tuple(self.types))
        object.__setattr__(self, "scheme", scheme_named(self.scheme).name)
        if self.scheme not in MODEL_SCHEMES:
            raise ValueError(
                f"expected a model's scheme to be one of {', '.join(MODEL_SCHEMES)}; found {self.scheme!r}"
            )
        if "" in self.types or len(set(self.types)) < len(self.types):
            raise ValueError(f"expected entity types that are not empty and not repeated, found {self.types}")

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """The tags by id."""
        return ("O", *(f"{prefix}-{label}" for label in self.types for prefix in _PREFIXES[self.scheme]))

    @cached_property
    def index(self) -> dict[str, int]:
        """The ids by tag."""
        return {tag: i for i, tag in enumerate(self.tags)}

    @cached_property
    def prefix_codes(self) -> tuple[int, ...]:
        """Per tag its prefix: O 0, B 1, I 2, E 3, S 4."""
        return tuple(PREFIX_CODES[split_tag(tag)[0]] for tag in self.tags)

    @cached_property
    def type_codes(self) -> tuple[int, ...]:
        """Per tag the index of its type, -1 for O."""
        codes = {label: i for i, label in enumerate(self.types)} | {"": -1}
        return tuple(codes[split_tag(tag)[1]] for tag in self.tags)

    @cached_property
    def allowed_start(self) -> tuple[bool, ...]:
        """Per tag whether a sentence may begin with it."""
        return tuple(is_transition_allowed(self.scheme, None, tag) for tag in self.tags)

    @cached_property
    def allowed_end(self) -> tuple[bool, ...]:
        """Per tag whether a sentence may end with it."""
        return tuple(is_transition_allowed(self.scheme, tag, None) for tag in self.tags)

    @cached_property
    def allowed_transitions(self) -> tuple[tuple[bool, ...], ...]:
        """`[i][j]`: whether tag j may follow tag i."""
        return tuple(tuple(is_transition_allowed(self.scheme, i, j) for j in self.tags) for i in self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    def encode(self, spans: Iterable[EntitySpan], n_words: int) -> list[int]:
        """Convert entities to tag ids, one per word.

        Raises:
            ValueError: a span is of an unknown type, outside the sentence, or overlaps another.

        >>> TagSet(("LOC",)).encode([EntitySpan(1, 3, "LOC")], 4)
        [0, 1, 3, 0]
        """
        tags = spans_to_tags(spans, n_words, self.scheme)
        try:
            return [self.index[tag] for tag in tags]
        except KeyError as error:
            label = split_tag(error.args[0])[1]
            raise ValueError(
                f"expected an entity type of the tag set ({', '.join(self.types)}), found {label!r}"
            ) from None

    def decode(self, ids: Sequence[int]) -> Decoded:
        """Read entities off tag ids, by the conlleval rule where the scheme forbids a step.

        >>> TagSet(("LOC",)).decode([0, 1, 3, 0]).spans
        (EntitySpan(start=1, end=3, label='LOC'),)
        """
        return tags_to_spans([self.tags[i] for i in ids], self.scheme)

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain containers, for a checkpoint.

        >>> TagSet(("LOC",)).to_dict()
        {'types': ['LOC'], 'scheme': 'BIOES'}
        """
        return {"types": list(self.types), "scheme": self.scheme}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TagSet:
        """Rebuild a tag set from what `to_dict` returned.

        >>> TagSet.from_dict({"types": ["LOC"], "scheme": "BIOES"}) == TagSet(("LOC",))
        True
        """
        return cls(tuple(values["types"]), values["scheme"])
