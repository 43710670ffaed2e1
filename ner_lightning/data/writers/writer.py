"""The contract of writers, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO

from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.words import has_spaces

_LOOKED_AT = 100  # sentences that decide what joins words


@dataclass
class WriteReport:
    """What was written, and what the format could not represent.

    Attributes:
        sentences: sentences, or documents if they are kept whole.
        words: words in them.
        entities: entities in them.
        unknown_lost: unannotated words that now look as if they were outside of entities.
    """

    sentences: int = 0
    words: int = 0
    entities: int = 0
    unknown_lost: int = field(default=0)

    def count(self, sentence: Sentence) -> Sentence:
        """Count a sentence and return it."""
        self.sentences += 1
        self.words += len(sentence.words)
        self.entities += len(sentence.spans)
        return sentence


class Writer(Protocol):
    """A writer of one file format: the constructor takes the options, `write` any number of files.

    Attributes:
        whole_documents: whether a record may be a whole document, which need not be split into sentences.
    """

    whole_documents: bool

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write sentences, one at a time.

        Args:
            sentences: what to write; each has a text if the format has texts, see `with_texts`.
            target: a file (or folder) that does not exist yet.

        Raises:
            ValueError: the format cannot represent a sentence.
        """
        ...


class Mention(NamedTuple):
    """An entity in characters.

    Attributes:
        start: its first character.
        end: the character after its last.
        label: entity type.
        surface: the text between.
    """

    start: int
    end: int
    label: str
    surface: str


def mentions(sentence: Sentence) -> list[Mention]:
    """List the entities of a sentence that has its text, in characters.

    Raises:
        ValueError: it has no text.

    >>> from ner_lightning.tagging import EntitySpan
    >>> mentions(Sentence(("New", "York"), (EntitySpan(0, 2, "LOC"),), text="New York!", offsets=((0, 3), (4, 8))))
    [Mention(start=0, end=8, label='LOC', surface='New York')]
    """
    if sentence.text is None or sentence.offsets is None:
        raise ValueError(f"expected a sentence with its text, found {sentence.id!r} without")
    places = [(sentence.offsets[s.start][0], sentence.offsets[s.end - 1][1], s.label) for s in sentence.spans]
    return [Mention(start, end, label, sentence.text[start:end]) for start, end, label in places]


def is_unannotated(sentence: Sentence) -> bool:
    """Tell whether nobody annotated any word of it.

    >>> is_unannotated(Sentence(("a", "b"), unknown=(0, 1))), is_unannotated(Sentence(("a", "b"), unknown=(0,)))
    (True, False)
    """
    return not sentence.spans and len(sentence.unknown) == len(sentence.words)


def with_texts(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Yield sentences with a text each: their own, or their words joined by spaces, unless their script has none.

    >>> next(with_texts([Sentence(("Ann", "left"))])).text, next(with_texts([Sentence(("北", "京"))])).text
    ('Ann left', '北京')
    """
    rest = iter(sentences)
    first = list(islice(rest, _LOOKED_AT))
    joiner = " " if has_spaces(word for sentence in first for word in sentence.words) else ""
    for sentence in chain(first, rest):
        if sentence.text is not None:
            yield sentence
            continue
        offsets, position = [], 0
        for word in sentence.words:
            offsets.append((position, position + len(word)))
            position += len(word) + len(joiner)
        yield replace(sentence, text=joiner.join(sentence.words), offsets=tuple(offsets))


@contextmanager
def opened(target: Path | TextIO) -> Iterator[TextIO]:
    """Open a file to make, or pass on a stream that is open already."""
    # newline="\n": a carriage return inside a word stays one
    stream = target.open("w", encoding="utf-8", newline="\n") if isinstance(target, Path) else nullcontext(target)
    with stream as open_stream:
        yield open_stream
