"""Imitate careless writing in a sentence: lower case, capitals, and slips of the finger."""

from __future__ import annotations

import random

VOWELS = tuple("aeiouAEIOU")


def slip(word: str, rng: random.Random) -> str:
    """Misspell a word: swap two letters, drop one or double one.

    >>> slip("Lisbon", random.Random(3))
    'Lsbon'
    """
    if len(word) < 4 or not word.isalpha():
        return word
    place = 1 + int(rng.random() * (len(word) - 2))
    kind = int(rng.random() * 3)
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place + 1 :] if kind == 1 else word[:place] + word[place] + word[place:]


def articles(words: list[str]) -> list[str]:
    """Put `an` before a vowel.

    >>> articles(["a", "old", "a", "new"])
    ['an', 'old', 'a', 'new']
    """
    after = [*words[1:], ""]
    return [
        "an" if word == "a" and next_.startswith(VOWELS) else word for word, next_ in zip(words, after, strict=True)
    ]


def opening(words: list[str]) -> list[str]:
    """Begin the sentence with a capital, past an opening quotation mark.

    >>> opening(['"', "it", "is"])
    ['"', 'It', 'is']
    """
    first = next((i for i, word in enumerate(words) if word[0].isalnum()), 0)
    return [word[0].upper() + word[1:] if i == first else word for i, word in enumerate(words)]
