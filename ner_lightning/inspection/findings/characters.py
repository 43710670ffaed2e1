"""Find words with characters that are invisible or were lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from ner_lightning.data.sentence import Sentence
from ner_lightning.inspection.finding import Cell, Finding, FindingKind, Listing, Part
from ner_lightning.inspection.report.show import character_name, code_point, is_invisible, sentence_place

if TYPE_CHECKING:
    from ner_lightning.inspection.settings import InspectionSettings


INVISIBLE = FindingKind(
    name="invisible",
    title="Invisible characters",
    unit="words",
    meaning=(
        "Words with control and format characters, odd spaces, variation selectors, private characters, or "
        "U+FFFD, which stands where a decoding failed. Emoji and some scripts need a few of them; most are left "
        "from copying, and make two words of one."
    ),
    limit=0.001,
)


class Invisible:
    """A counter of words with a character that `is_invisible`, fed with the sentences of all splits."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.affected: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()
        self.places: dict[str, str] = {}

    def add(self, split: str, sentences: Iterable[Sentence]) -> None:
        """Take the next sentences of a split."""
        total = affected = 0
        for sentence in sentences:
            total += len(sentence.words)
            for word in sentence.words:
                if found := _invisible_in(word):
                    affected += 1
                    self.characters.update(found)
                    for character in found:
                        self.places.setdefault(character, sentence_place(split, sentence))
        self.words[split] += total
        self.affected[split] += affected

    def finding(self, settings: InspectionSettings) -> Finding:
        """Report the words counted so far, by character."""
        rows: list[tuple[Cell, ...]] = [
            (code_point(character), character_name(character), count, self.places[character])
            for character, count in self.characters.most_common()
        ]
        return Finding.of(
            settings,
            INVISIBLE,
            tuple(Part(split, self.affected[split], total) for split, total in self.words.items()),
            listing=Listing.first(settings.listed, ("character", "name", "words", "first place"), rows, len(rows)),
        )


@lru_cache(maxsize=1 << 16)
def _invisible_in(word: str) -> tuple[str, ...]:
    if word.isascii() and word.isprintable() and " " not in word:
        return ()
    return tuple(dict.fromkeys(character for character in word if is_invisible(character)))
