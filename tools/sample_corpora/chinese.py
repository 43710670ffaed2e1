"""Turn the grammar's Chinese texts into sentences with character spans, careless spelling included."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib.resources import files

from tools.sample_corpora.chinese_rules import RULES
from tools.sample_corpora.grammar import Grammar, Shares, Written, lexicons

SHARES = Shares(words=0.28, productions=0.2, skew=2.0, recall=0.15)

# Characters an input method confuses: same or nearly the same sound.
SOUND_ALIKE = dict(
    zip("建国伟林山海平安明文华永青长江龙金清阳志", "健囯玮琳杉海苹桉名闻桦咏清常姜隆今青杨智", strict=True)
)


def grammar(split: str) -> Grammar:
    """Make the Chinese grammar as one split may use it."""
    words = (files(__package__) / "chinese_words.txt").read_text(encoding="utf-8")
    return Grammar(RULES, lexicons(words), SHARES, seed="zh", split=split)


def slip(written: Written, rng: random.Random) -> Written:
    """Now and then misspell a name by sound or in lower case; lengths stay, and so do the spans."""
    characters = list(written.text)
    for start, end, _ in written.spans:
        if rng.random() < 0.04:
            place = start + int(rng.random() * (end - start))
            characters[place] = SOUND_ALIKE.get(characters[place], characters[place])
        if rng.random() < 0.1:
            characters[start:end] = [character.lower() for character in characters[start:end]]
    return written._replace(text="".join(characters))


def sentences(split: str, count: int, seen: set[str]) -> Iterator[Written]:
    """Yield the sentences of a split; every few of them share a topic, as in a document.

    Args:
        split: ``train``, ``dev`` or ``test``.
        count: How many sentences to write.
        seen: Texts of earlier splits, which are not written again; added to.
    """
    rng = random.Random(f"zh/{split}")
    writer = grammar(split)
    while count:
        if rng.random() < 0.3:
            writer.begin_document()
        written = slip(writer.write("sentence", rng), rng)
        if written.text not in seen:
            seen.add(written.text)
            count -= 1
            yield written
