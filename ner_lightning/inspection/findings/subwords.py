"""Find how an encoder sees the words of a corpus: subwords, unknown characters, words it does not see at all."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ner_lightning.data.sentence import Sentence
from ner_lightning.inspection.finding import Cell, Finding, FindingKind, Listing, Part
from ner_lightning.inspection.findings.sentences import Splits
from ner_lightning.inspection.report.show import (
    character_name,
    code_point,
    reveal_invisible,
    sentence_place,
    show_sentence,
)

if TYPE_CHECKING:
    from ner_lightning.data.corpus.encoding import WordEncoder
    from ner_lightning.inspection.settings import InspectionSettings

REMEMBERED = 1_000_000  # words
NO_ENCODER = "needs an encoder, such as model/encoder=minilm"


@dataclass
class Odd:
    """Words that an encoder does not see as they are.

    Attributes:
        words: how many.
        causes: how many by cause: a character, or a whole word if no single character is the cause.
        places: the first place of each cause.
    """

    words: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, causes: Sequence[str], where: str) -> None:
        """Count a word."""
        self.words += 1
        self.causes.update(causes)
        for cause in causes:
            self.places.setdefault(cause, where)


class SubwordCounts:
    """The subwords of a split, counted while its sentences pass; only lengths and odd words are kept.

    Args:
        split: its name, for places.
        encoder: the encoder's view of words.

    Attributes:
        words: all words.
        entity_words: words that are part of an entity.
        entity_subwords: their subwords.
        split_words: words of more than one subword.
        unknown: words with something unknown, by the characters that the vocabulary lacks.
        pieceless: words without a subword; they are read as unknown.
    """

    def __init__(self, split: str, encoder: WordEncoder) -> None:
        self.split, self.encoder = split, encoder
        self.words = self.entity_words = self.entity_subwords = self.split_words = 0
        self.unknown, self.pieceless = Odd(), Odd()
        self._lengths = array("i")
        self._seen: dict[str, _Seen] = {}

    @property
    def lengths(self) -> np.ndarray:
        """Per sentence, its number of subwords without special ones."""
        return np.array(self._lengths, dtype=np.int32)

    def add(self, sentences: Sequence[Sentence]) -> None:
        """Take the next sentences, some thousands at once."""
        seen = self._see(dict.fromkeys(word for sentence in sentences for word in sentence.words))
        for sentence in sentences:
            looks = [seen[word] for word in sentence.words]
            sizes = [look.pieces for look in looks]
            self._lengths.append(sum(sizes))
            self.words += len(sizes)
            self.split_words += len(sizes) - sizes.count(1)
            for start, end, _ in sentence.spans:
                self.entity_words += end - start
                self.entity_subwords += sum(sizes[start:end])
            for look in looks:
                if look.unknown:
                    self.unknown.add(look.unknown, sentence_place(self.split, sentence))
                elif look.pieceless:
                    self.pieceless.add(look.pieceless, sentence_place(self.split, sentence))

    def _see(self, distinct: dict[str, None]) -> dict[str, _Seen]:
        new = [word for word in distinct if word not in self._seen]
        if len(self._seen) + len(new) > REMEMBERED:
            self._seen, new = {}, list(distinct)
        self.encoder.learn(new)
        self._seen.update((word, _look(self.encoder, word)) for word in new)
        return self._seen

    def to_json(self) -> dict[str, Any]:
        """Return the numbers that are no finding: subwords per word (fertility), and the share of split words."""
        total = int(self.lengths.sum())
        return {
            "subwords": total,
            "fertility": round(total / self.words, 4) if self.words else None,
            "fertility_in_entities": round(self.entity_subwords / self.entity_words, 4) if self.entity_words else None,
            "share_split": round(self.split_words / self.words, 4) if self.words else None,
        }


class _Seen(NamedTuple):
    """An encoder's view of one word; at most one of the causes is set."""

    pieces: int
    unknown: tuple[str, ...]
    pieceless: tuple[str, ...]


def _look(words: WordEncoder, word: str) -> _Seen:
    pieces = words.pieces(word)
    if word in words.pieceless:
        return _Seen(len(pieces), (), (word,))
    if words.tokenizer.unk_token_id not in pieces:
        return _Seen(len(pieces), (), ())
    to_blame = tuple(c for c in dict.fromkeys(word) if _is_unknown(words, c))
    return _Seen(len(pieces), to_blame or (word,), ())


def _is_unknown(words: WordEncoder, character: str) -> bool:
    return words.tokenizer.unk_token_id in words.pieces(character) and character not in words.pieceless


UNKNOWN = FindingKind(
    name="unknown",
    title="Characters the encoder does not know",
    unit="words",
    meaning=(
        "Words in which the tokenizer finds something it does not know: that part, or the whole word, is the same "
        "as any other unknown one to the model, and no training mends that. Above a few percent choose another "
        "encoder."
    ),
    limit=0.01,
)

PIECELESS = FindingKind(
    name="pieceless",
    title="Words without a subword",
    unit="words",
    meaning=(
        "Words of which the tokenizer makes nothing at all, such as a lone space or variation selector. They keep "
        "their place and are read as unknown."
    ),
    limit=0.0,
)


def find_odd(subwords: Mapping[str, SubwordCounts] | None, settings: InspectionSettings) -> list[Finding]:
    """Find words with something the vocabulary does not know, and words without any subword."""
    found = subwords or {}
    return [
        _odd(UNKNOWN, {split: (of_split.unknown, of_split.words) for split, of_split in found.items()}, settings),
        _odd(PIECELESS, {split: (of_split.pieceless, of_split.words) for split, of_split in found.items()}, settings),
    ]


def _odd(kind: FindingKind, odd: Mapping[str, tuple[Odd, int]], settings: InspectionSettings) -> Finding:
    causes: Counter[str] = Counter()
    places: dict[str, str] = {}
    for found, _ in odd.values():
        causes.update(found.causes)
        places = found.places | places
    rows: list[tuple[Cell, ...]] = [
        (reveal_invisible(cause), _described(cause), count, places[cause])
        for cause, count in causes.most_common(settings.listed)
    ]
    return Finding.of(
        settings,
        kind,
        tuple(Part(split, found.words, total) for split, (found, total) in odd.items()),
        listing=Listing.first(settings.listed, ("what", "code points", "words", "first place"), rows, len(causes)),
        why_not="" if odd else NO_ENCODER,
    )


def _described(text: str) -> str:
    return (
        f"{code_point(text)} {character_name(text)}"
        if len(text) == 1
        else " ".join(code_point(character) for character in text[:8])
    )


LONG = FindingKind(
    name="long",
    title="Sentences longer than the window",
    unit="sentences",
    meaning=(
        "Sentences of more subwords than a row of the encoder has room for. They are read in windows that "
        "overlap; nothing is cut."
    ),
    limit=0.01,
)


def find_long(
    splits: Splits, subwords: Mapping[str, SubwordCounts] | None, room: int, settings: InspectionSettings, joiner: str
) -> Finding:
    """Find sentences with more subwords than fit into a row of the encoder, the longest first."""
    parts, found = [], []
    for split, of_split in (subwords or {}).items():
        over = np.flatnonzero(of_split.lengths > room)
        parts.append(Part(split, len(over), len(of_split.lengths)))
        found += [(int(of_split.lengths[i]), split, int(i)) for i in over]
    found.sort(key=lambda item: -item[0])
    rows: list[tuple[Cell, ...]] = []
    for size, split, i in found[: settings.listed]:
        sentence = splits[split][i]
        rows.append((show_sentence(sentence, joiner), size, len(sentence.words), sentence_place(split, sentence)))
    return Finding.of(
        settings,
        LONG,
        tuple(parts),
        listing=Listing.first(settings.listed, ("sentence", "subwords", "words", "place"), rows, len(found)),
        why_not="" if subwords else NO_ENCODER,
    )
