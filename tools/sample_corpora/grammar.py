"""A small seeded grammar that writes sentences together with their entities.

A grammar is two tables. A **lexicon** is a list of words; a **rule** is a list of productions, one per line:

========================  ==========================================================================
``{town}``                one entry of the lexicon, or one production of the rule, called ``town``
``[LOC]``                 an entity of type LOC, written by the rule ``LOC``
``[ORG:town]``            an entity of type ORG, written by the rule or lexicon ``town``
``<one|two|>``            one of the alternatives (they may be empty and may hold the other marks)
``* text``                a production that training never sees
``3 text``                a production that counts three times
========================  ==========================================================================

This module also decides what each split may use: half of each lexicon is open to every split, a quarter only to the
development sentences and a quarter only to the test sentences, so that a tagger must rely on context, not on memory.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MARK = re.compile(r"\{(?P<name>\w+)\}|\[(?P<label>[A-Z]+)(?::(?P<rule>\w+))?\]|<(?P<either>[^<>]*)>")
PRODUCTION = re.compile(r"(?P<held>\*\s*)?(?:(?P<weight>\d+)\s+(?=\S))?(?P<text>.*)")
SPLITS = ("train", "dev", "test")


class Written(NamedTuple):
    """A text and its entities as ``(start, end, type)``, characters, half-open."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class Shares:
    """How often a development or test sentence takes what training never saw, and how uneven words are.

    Args:
        words: Probability of taking an entry of the split's own part of a lexicon.
        productions: Probability of taking a held-out production where a rule has one.
        skew: Exponent of the draw inside a lexicon; 1 is even, 2 takes early entries much more often.
        recall: Probability that an entity is one its document has named before.
    """

    words: float
    productions: float
    skew: float
    recall: float


def pick(rng: random.Random, items: Sequence[str], skew: float = 1.0) -> str:
    """Draw one of the items; uses only `Random.random`, whose stream Python promises to keep.

    >>> pick(random.Random(0), ["a", "b", "c"])
    'c'
    """
    return items[int(len(items) * rng.random() ** skew)]


def productions(block: str) -> tuple[list[str], list[str]]:
    """Parse the open and the held-out productions of a rule, repeated by weight.

    >>> productions('''
    ... 2 rain
    ... * snow
    ... ''')
    (['rain', 'rain'], ['snow'])
    """
    open_: list[str] = []
    held: list[str] = []
    for line in filter(None, map(str.strip, block.splitlines())):
        match = PRODUCTION.fullmatch(line)
        assert match is not None
        (held if match["held"] else open_).extend([match["text"]] * int(match["weight"] or 1))
    return open_, held


def lexicons(text: str) -> dict[str, list[str]]:
    """Parse lists of words: `name:` begins one; commas separate its entries if it has any, else spaces.

    >>> lexicons('''
    ... # Comments are for readers.
    ... town:
    ...     Oslo Lima
    ... office:
    ...     head coach, treasurer
    ... ''')
    {'town': ['Oslo', 'Lima'], 'office': ['head coach', 'treasurer']}
    """
    lists: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line.endswith(":"):
            name = line[:-1]
            lists[name] = ""
        elif line.strip() and not line.startswith("#"):
            lists[name] += line + " "
    return {
        name: [entry.strip() for entry in entries.split(",")] if "," in entries else entries.split()
        for name, entries in lists.items()
    }


class Grammar:
    """A writer of texts with their entities for one split.

    Args:
        rules: Productions by name, one per line.
        lexicons: Entries by name; partitioned between the splits.
        shares: How much of what training never saw goes into the development and test sentences.
        seed: Decides how the lexicons are divided; the same for the three splits of a language.
        split: ``train``, ``dev`` or ``test``.

    Raises:
        ValueError: An unknown split, or a name that is both a rule and a lexicon.
    """

    def __init__(
        self, rules: Mapping[str, str], lexicons: Mapping[str, Sequence[str]], shares: Shares, seed: str, split: str
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"expected a split of {SPLITS}, received {split!r}")
        if both := rules.keys() & lexicons.keys():
            raise ValueError(f"expected each name once, found as rule and as lexicon: {sorted(both)}; rename one")
        self.shares = shares
        self.split = split
        self.named: dict[str, list[str]] = {}
        self.rules = {name: productions(block) for name, block in rules.items()}
        self.lexicons = {name: self._part(entries, f"{seed}/{name}") for name, entries in lexicons.items()}

    def _part(self, entries: Sequence[str], seed: str) -> tuple[list[str], list[str]]:
        """Return the entries open to every split, and those of this split alone."""
        rng = random.Random(seed)
        mixed = sorted(dict.fromkeys(entries), key=lambda _: rng.random())
        half, quarter = -(-len(mixed) // 2), len(mixed) // 4
        own = {"train": [], "dev": mixed[half : half + quarter], "test": mixed[half + quarter :]}
        return mixed[:half], own[self.split]

    def begin_document(self) -> None:
        """Forget the entities that the previous document has named."""
        self.named = {}

    def entity(self, label: str, rule: str | None, rng: random.Random) -> Written:
        """Write a new entity, or repeat one of this type that the document has named (people by their last word)."""
        named = self.named.setdefault(label, [])
        if rule is None and named and rng.random() < self.shares.recall:
            return Written(pick(rng, named), ())
        written = self.write(rule or label, rng)
        named.append(written.text.split()[-1] if label == "PER" else written.text)
        return written

    def write(self, name: str, rng: random.Random) -> Written:
        """Expand the rule or lexicon called `name`.

        Raises:
            KeyError: No rule or lexicon of that name.
        """
        if name in self.lexicons:
            shared, own = self.lexicons[name]
            novel = bool(own) and rng.random() < self.shares.words
            return Written(pick(rng, own if novel else shared, self.shares.skew), ())
        if name not in self.rules:
            raise KeyError(f"expected a rule or lexicon, received {name!r}; add it to the grammar")
        open_, held = self.rules[name]
        novel = bool(held) and self.split != "train" and rng.random() < self.shares.productions
        return self.expand(pick(rng, held if novel else open_), rng)

    def expand(self, production: str, rng: random.Random) -> Written:
        """Expand every mark of a production, from left to right."""
        text, spans, last = "", [], 0
        for mark in MARK.finditer(production):
            text += production[last : mark.start()]
            last = mark.end()
            if mark["label"]:
                inner = self.entity(mark["label"], mark["rule"], rng)
            elif mark["name"]:
                inner = self.write(mark["name"], rng)
            else:
                inner = self.expand(pick(rng, mark["either"].split("|")), rng)
            start = len(text)
            text += inner.text
            if mark["label"]:
                spans.append((start, len(text), mark["label"]))
            else:
                spans.extend((start + begin, start + end, label) for begin, end, label in inner.spans)
        return Written(text + production[last:], tuple(spans))
