"""The notations of tags in files: `B-PER`, `B_PER`, `b-per`, `B` of one unnamed type, or the type alone (`person`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

_PREFIXED = re.compile(r"[A-Z]-.+", re.DOTALL)
_LETTERS = "BIESMLU"
_SEPARATORS = "-_:/"
_OPENING = "BISU"  # wherever tags have prefixes, one of these occurs


class Notation(NamedTuple):
    """A way to write tags.

    Attributes:
        kind: `prefixed`: letter and type; `bare`: a letter without a type; `types`: a type without a letter.
        separator: between letter and type.
        lower: whether letters (and the tag `o` of words outside) are in lower case.
        entity_type: the type of bare letters.
    """

    kind: Literal["prefixed", "bare", "types"] = "prefixed"
    separator: str = "-"
    lower: bool = False
    entity_type: str = ""

    def standard(self, tag: str) -> str:
        """Rewrite a tag as `split_tag` expects it; a tag not in this notation stays, to be refused later.

        >>> Notation(separator="_").standard("B_PER"), Notation("types").standard("person"), STANDARD.standard("O")
        ('B-PER', 'I-person', 'O')
        """
        if tag == "O" or (self.lower and tag == "o"):
            return "O"
        if self.kind == "types":
            return f"I-{tag}"
        letter = tag[:1].upper() if self.lower else tag[:1]
        if self.kind == "bare":
            return f"{letter}-{self.entity_type}" if len(tag) == 1 else tag
        return f"{letter}-{tag[2:]}" if tag[1:2] == self.separator and len(tag) > 2 else tag

    def __str__(self) -> str:
        if self.kind == "types":
            return "tags are types without a prefix: neighbouring words of one type are one entity"
        example = f"B{self.separator}type" if self.kind == "prefixed" else "B"
        return f"tags are written {example.lower() if self.lower else example}"


STANDARD = Notation()


def notation_of(tags: Mapping[str, int], scheme: str = "auto", entity_type: str | None = None) -> Notation:
    """Detect the notation of a file's tags; `STANDARD` where none fits them all.

    A file with any tag such as `B-PER` is in the standard notation, so that a slip in it is found. Types without prefix
    are recognised only if `O` is the most frequent tag, or if the user named the scheme IO.

    Args:
        tags: how often each occurs.
        scheme: the scheme that the user named, or `auto`.
        entity_type: the type of tags that have none.

    Raises:
        ValueError: tags without type and no `entity_type`, or the other way round.

    >>> notation_of({"O": 5, "person-actor": 2})
    Notation(kind='types', separator='-', lower=False, entity_type='')
    >>> notation_of({"o": 5, "b-per": 2}).standard("b-per")
    'B-per'
    """
    marked = [tag for tag in tags if tag != "O"]
    letters = {tag.upper() for tag in marked if tag != "o"}
    if letters and letters <= {*_LETTERS} and (scheme != "IO" or letters == {"I"}):
        return _bare(marked, entity_type)
    if entity_type is not None and letters:
        found = ", ".join(marked[:3])
        raise ValueError(f"type={entity_type} is for tags without a type (B, I, O), found {found}; leave type out")
    if not letters:
        return Notation(lower="o" in tags)
    if any(_PREFIXED.fullmatch(tag) for tag in marked):
        return STANDARD
    lower = all(tag[0] in _LETTERS.lower() or tag == "o" for tag in marked)
    for separator in _SEPARATORS:
        if _fits([tag for tag in marked if tag != "o"] if lower else marked, separator, lower):
            return Notation("prefixed", separator, lower)
    most = max(tags.values())
    if scheme == "IO" or (scheme == "auto" and tags.get("O") == most):
        return Notation("types")
    return STANDARD


def _bare(marked: list[str], entity_type: str | None) -> Notation:
    if entity_type is None:
        found = ", ".join(tag for tag in marked if tag != "o")
        raise ValueError(f"expected tags with an entity type (B-PER), found {found}; name their type: type=Disease")
    return Notation("bare", "", any(tag.islower() for tag in marked), entity_type)


def _fits(marked: list[str], separator: str, lower: bool) -> bool:
    """Tell whether all tags are a letter, this separator and a type."""
    letters = {tag[:1].upper() if lower else tag[:1] for tag in marked}
    alike = all(len(tag) > 2 and tag[1] == separator for tag in marked)
    return bool(marked) and alike and letters <= set(_LETTERS) and bool(letters & set(_OPENING))
