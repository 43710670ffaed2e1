"""Tag schemes as a table, and the rules that follow from it.

A scheme is four letters: for the first, an inner and the last word of an entity, and for an entity of one word.
Everything else is derived. A letter that marks only first words *always opens* an entity, one that marks only inner or
last words *never opens* one. Likewise, at the other end, a letter *always closes* an entity, *never closes* one, or may
do either.

Ramshaw and Marcus 1995 (IOB1), Tjong Kim Sang and Veenstra 1999 (IOB2), Ratinov and Roth 2009 (BILOU),
the script conlleval of the CoNLL-2000 shared task (repair).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from ner_lightning.tagging.spans import EntitySpan

Repair = Literal["conlleval", "discard", "error"]
REPAIRS: tuple[Repair, ...] = ("conlleval", "discard", "error")


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: a row is looked up for every word
class Scheme:
    """One row of the table: which letter marks which word of an entity.

    Attributes:
        name: the name in configurations and reports.
        begin: letter of the first of several words.
        inside: letter of a word with neighbours on both sides.
        end: letter of the last of several words.
        single: letter of the only word.
        split: letter of a first word that follows an entity of its own type, where it differs (IOB1).
    """

    name: str
    begin: str
    inside: str
    end: str
    single: str
    split: str = ""

    @cached_property
    def letters(self) -> frozenset[str]:
        """All letters but O."""
        return frozenset(self.begin + self.inside + self.end + self.single + self.split)

    @cached_property
    def always_opens(self) -> frozenset[str]:
        """Letters that can only be the first of an entity."""
        return self.letters - {self.inside, self.end}

    @cached_property
    def never_opens(self) -> frozenset[str]:
        """Letters that cannot be the first of an entity."""
        return self.letters - {self.begin, self.single, self.split}

    @cached_property
    def always_closes(self) -> frozenset[str]:
        """Letters that can only be the last of an entity; none where a letter only parts neighbours (IOB1)."""
        return frozenset() if self.split else self.letters - {self.begin, self.inside}

    @cached_property
    def never_closes(self) -> frozenset[str]:
        """Letters that cannot be the last of an entity."""
        return self.letters - {self.end, self.single, self.split}


# In order of preference, for files whose tags fit several schemes equally well.
SCHEMES: dict[str, Scheme] = {
    row.name: row
    for row in (
        Scheme("IOB2", begin="B", inside="I", end="I", single="B"),
        Scheme("BIOES", begin="B", inside="I", end="E", single="S"),
        Scheme("BMES", begin="B", inside="M", end="E", single="S"),
        Scheme("BILOU", begin="B", inside="I", end="L", single="U"),
        Scheme("IO", begin="I", inside="I", end="I", single="I"),
        Scheme("IOB1", begin="I", inside="I", end="I", single="I", split="B"),
    )
}

ALIASES = {
    "BIO": "IOB2",
    "BIO2": "IOB2",
    "IOB": "IOB1",
    "BIO1": "IOB1",
    "IOBES": "BIOES",
    "BMESO": "BMES",
    "BILUO": "BILOU",
}


class Decoded(NamedTuple):
    """The entities in a tag sequence.

    Attributes:
        spans: the entities, in order, never overlapping.
        repaired: number of steps (word to word, into the first, out of the last) that the scheme forbids.
    """

    spans: tuple[EntitySpan, ...]
    repaired: int


def scheme_named(name: str) -> Scheme:
    """Look a scheme up by its name or one of its other names.

    Raises:
        ValueError: no such scheme.

    >>> scheme_named("IOBES").name
    'BIOES'
    """
    row = SCHEMES.get(ALIASES.get(name.upper(), name.upper()))
    if row is None:
        raise ValueError(f"expected a tag scheme, one of {', '.join([*SCHEMES, *ALIASES])}; found {name!r}")
    return row


def split_tag(tag: str) -> tuple[str, str]:
    """Split a tag into prefix and entity type; the type may itself hold a hyphen.

    Raises:
        ValueError: the tag is neither `O` nor a letter, a hyphen and a type.

    >>> split_tag("B-creative-work"), split_tag("O")
    (('B', 'creative-work'), ('O', ''))
    """
    if tag == "O":
        return "O", ""
    if len(tag) < 3 or tag[1] != "-":
        raise ValueError(f"expected the tag O or a letter, a hyphen and an entity type (B-PER), found {tag!r}")
    return tag[0], tag[2:]


def is_transition_allowed(scheme: str, from_tag: str | None, to_tag: str | None) -> bool:
    """Tell whether one tag may follow another; None is the sentence boundary, on either side.

    Raises:
        ValueError: no such scheme, or a tag that is not one of its tags.

    >>> is_transition_allowed("IOB2", "O", "I-PER"), is_transition_allowed("IOB1", "O", "I-PER")
    (False, True)
    >>> is_transition_allowed("BIOES", "B-PER", None)
    False
    """
    return _step(scheme_named(scheme), from_tag or "O", to_tag or "O").allowed


class _Step(NamedTuple):
    closes: bool  # an entity ends before this step
    opens: bool  # an entity begins after it
    close_allowed: bool
    open_allowed: bool

    @property
    def allowed(self) -> bool:
        return self.close_allowed and self.open_allowed


@lru_cache(maxsize=1 << 16)
def _step(scheme: Scheme, from_tag: str, to_tag: str) -> _Step:
    """Work out what happens between two neighbouring words; a sentence boundary behaves as O."""
    prefix, entity_type = _known_tag(scheme, from_tag)
    next_prefix, next_type = _known_tag(scheme, to_tag)
    within, next_within = prefix != "O", next_prefix != "O"
    # An entity goes on only in its own type (I-X I-Y are two entities), and neither past a letter that always
    # closes nor into one that always opens. This is the rule of conlleval, for every scheme.
    continues = (
        within
        and next_within
        and entity_type == next_type
        and prefix not in scheme.always_closes
        and next_prefix not in scheme.always_opens
    )
    closes, opens = within and not continues, next_within and not continues
    # An entity that is begun must be finished: a letter that never closes cannot be the last one.
    close_allowed = not closes or prefix not in scheme.never_closes
    # I-X after O, after a finished entity or after another type (IOB2, BIOES, ...) has nothing to be inside of.
    open_allowed = not opens or next_prefix not in scheme.never_opens
    # IOB1 writes B- only to separate an entity from one of the same type right before it.
    if opens and scheme.split and next_prefix == scheme.split:
        open_allowed = entity_type == next_type
    return _Step(closes, opens, close_allowed, open_allowed)


def _known_tag(scheme: Scheme, tag: str) -> tuple[str, str]:
    prefix, entity_type = split_tag(tag)
    if prefix != "O" and prefix not in scheme.letters:
        letters = ", ".join(f"{letter}-" for letter in sorted(scheme.letters))
        raise ValueError(f"expected a tag of the scheme {scheme.name} (O, {letters}), found {tag!r}")
    return prefix, entity_type


def _steps(scheme: Scheme, tags: Sequence[str]) -> Iterator[_Step]:
    """Yield the steps of a sentence: into its first word, between words, out of its last one."""
    previous = "O"
    for tag in tags:
        yield _step(scheme, previous, tag)
        previous = tag
    yield _step(scheme, previous, "O")


def irregular_steps(tags: Sequence[str], scheme: str) -> tuple[int, ...]:
    """List the steps the scheme forbids, each by the word stepped into; `len(tags)` is the step out.

    >>> irregular_steps(["O", "I-PER", "I-LOC", "O"], "IOB2")
    (1, 2)
    >>> irregular_steps(["B-PER", "E-PER", "B-PER"], "BIOES")
    (3,)
    """
    return tuple(i for i, step in enumerate(_steps(scheme_named(scheme), tags)) if not step.allowed)


def tags_to_spans(tags: Sequence[str], scheme: str, repair: Repair = "conlleval") -> Decoded:
    """Read the entities off a tag sequence.

    Where the scheme forbids a step, `repair` decides: `conlleval` begins an entity at every word that cannot go on with
    the one before and ends it at the last that can (seqeval's default mode); `discard` drops every entity with a
    forbidden begin or end (seqeval's strict mode); `error` raises.

    Raises:
        ValueError: a tag is not one of the scheme's, or a step is forbidden and `repair` is `error`.

    >>> tags_to_spans(["I-PER", "I-PER", "O", "B-LOC"], "IOB2")
    Decoded(spans=(EntitySpan(start=0, end=2, label='PER'), EntitySpan(start=3, end=4, label='LOC')), repaired=1)
    >>> tags_to_spans(["I-PER", "I-PER", "O", "B-LOC"], "IOB2", repair="discard")
    Decoded(spans=(EntitySpan(start=3, end=4, label='LOC'),), repaired=1)
    """
    if repair not in REPAIRS:
        raise ValueError(f"expected repair to be one of {', '.join(REPAIRS)}; found {repair!r}")
    row = scheme_named(scheme)
    spans: list[EntitySpan] = []
    repaired, start, begun_well = 0, -1, True
    outside = _step(row, "O", "O")
    for index, step in enumerate(_steps(row, tags)):
        if step is outside:
            continue
        if step.closes and (repair != "discard" or (begun_well and step.close_allowed)):
            spans.append(EntitySpan(start, index, split_tag(tags[index - 1])[1]))
        if step.opens:
            start, begun_well = index, step.open_allowed
        if not step.allowed and repair == "error":
            before, after = tags[index - 1] if index else "the start", tags[index] if index < len(tags) else "the end"
            raise ValueError(f"the scheme {row.name} forbids {after} after {before} (word {index + 1} of {len(tags)})")
        repaired += not step.allowed
    return Decoded(tuple(spans), repaired)


def spans_to_tags(spans: Iterable[EntitySpan], n_words: int, scheme: str) -> list[str]:
    """Convert entities to tags.

    Raises:
        ValueError: a span lies outside the sentence or overlaps another, or the scheme cannot keep two
            neighbours of one type apart (IO).

    >>> spans_to_tags([EntitySpan(0, 2, "PER"), EntitySpan(2, 3, "PER")], 4, "IOB1")
    ['I-PER', 'I-PER', 'B-PER', 'O']
    """
    row = scheme_named(scheme)
    tags = ["O"] * n_words
    previous = EntitySpan(0, 0, "")
    for span in sorted(spans):
        start, end, label = span
        if not (previous.end <= start < end <= n_words):
            raise ValueError(
                f"expected spans inside {n_words} words that do not overlap, found {span} after {previous}"
            )
        first = row.single if end - start == 1 else row.begin
        if previous.label == label and previous.end == start and first not in row.always_opens:
            if not row.split:
                raise ValueError(f"the scheme {row.name} cannot keep {previous} and {span} apart; use IOB2 or BIOES")
            first = row.split
        tags[start] = f"{first}-{label}"
        if end - start > 1:
            tags[start + 1 : end] = [f"{row.inside}-{label}"] * (end - start - 2) + [f"{row.end}-{label}"]
        previous = span
    return tags


def detect_scheme(tag_sequences: Iterable[Sequence[str]]) -> str:
    """Name the scheme that forbids the fewest steps in these sentences; a few slips in thousands do not matter.

    Where several fit equally well, the first of `SCHEMES` is taken: only O, or only B- and O, is IOB2; only I- and O
    is IO. Tags that no scheme knows count against all of them alike; decoding reports them.

    >>> detect_scheme([["I-PER", "I-PER", "B-PER", "O", "I-LOC"]])
    'IOB1'
    >>> detect_scheme([["B-PER", "M-PER", "E-PER", "O", "S-LOC"]])
    'BMES'
    """
    return fitting_scheme(count_steps(tag_sequences))


def count_steps(tag_sequences: Iterable[Sequence[str]]) -> Counter[tuple[str, str]]:
    """Count how often each tag follows each; a boundary counts as O.

    >>> count_steps([["B-X"]])
    Counter({('O', 'B-X'): 1, ('B-X', 'O'): 1})
    """
    steps: Counter[tuple[str, str]] = Counter()
    for tags in tag_sequences:
        if tags:
            steps.update(zip(["O", *tags], [*tags, "O"], strict=True))
    return steps


def fitting_scheme(steps: Mapping[tuple[str, str], int]) -> str:
    """Name the scheme that forbids the fewest of these steps, as `detect_scheme` does.

    >>> fitting_scheme({("O", "I-PER"): 2, ("I-PER", "B-PER"): 1})
    'IOB1'
    """
    costs = {name: sum(n for step, n in steps.items() if _forbids(row, *step)) for name, row in SCHEMES.items()}
    return min(costs, key=costs.__getitem__)


def _forbids(scheme: Scheme, from_tag: str, to_tag: str) -> bool:
    try:
        return not _step(scheme, from_tag, to_tag).allowed
    except ValueError:
        return True
