"""Turn the grammar's English texts into words with IOB2 tags, careless spelling included."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib.resources import files

from tools.sample_corpora.english_rules import RULES
from tools.sample_corpora.grammar import Grammar, Shares, Written, lexicons, pick
from tools.sample_corpora.noise import articles, opening, slip

SHARES = Shares(words=0.25, productions=0.2, skew=2.0, recall=0.2)

Row = tuple[str, str]


def grammar(split: str) -> Grammar:
    """Make the English grammar as one split may use it."""
    words = (files(__package__) / "english_words.txt").read_text(encoding="utf-8")
    return Grammar(RULES, lexicons(words), SHARES, seed="en", split=split)


def rows(written: Written) -> list[Row]:
    """Pair words with their IOB2 tags.

    >>> rows(Written("in New York .", ((3, 11, "LOC"),)))
    [('in', 'O'), ('New', 'B-LOC'), ('York', 'I-LOC'), ('.', 'O')]
    """
    begins = {start: (end, label) for start, end, label in written.spans}
    found, place, inside = [], 0, (0, "")
    for word in written.text.split():
        place = written.text.index(word, place)
        if place in begins:
            inside = begins[place]
            tag = f"B-{inside[1]}"
        else:
            tag = f"I-{inside[1]}" if place < inside[0] else "O"
        found.append((word, tag))
        place += len(word)
    return found


def spell(sentence: list[Row], register: str, rng: random.Random) -> list[Row]:
    """Spell a sentence as its register does: `edited`, `chat` (no capitals, many slips) or `headline` (capitals)."""
    words = opening(articles([word for word, _ in sentence]))
    careless = 0.05 if register == "chat" else 0.005
    small = False
    spelt = []
    for word, (_, tag) in zip(words, sentence, strict=True):
        if not tag.startswith("I-"):
            small = tag != "O" and rng.random() < 0.05
        if rng.random() < careless + 0.02 * (tag != "O"):
            word = slip(word, rng)
        if register == "headline":
            word = word.upper()
        elif register == "chat" or small:
            word = word.lower()
        spelt.append((word, tag))
    return spelt


def documents(split: str, sentences: int, seen: set[tuple[str, ...]]) -> Iterator[list[list[Row]]]:
    """Yield documents of two to six sentences until the split has enough sentences.

    Args:
        split: ``train``, ``dev`` or ``test``.
        sentences: How many sentences to write.
        seen: Sentences of earlier splits, which are not written again; added to.
    """
    rng = random.Random(f"en/{split}")
    writer = grammar(split)
    left = sentences
    while left:
        writer.begin_document()
        register = pick(rng, ["edited"] * 8 + ["chat"])
        document: list[list[Row]] = []
        for _ in range(min(left, 2 + int(rng.random() * 5))):
            style = "headline" if register == "edited" and rng.random() < 0.03 else register
            sentence = spell(rows(writer.write("sentence", rng)), style, rng)
            key = tuple(word.lower() for word, _ in sentence)
            if key not in seen:
                seen.add(key)
                document.append(sentence)
        if document:
            left -= len(document)
            yield document
