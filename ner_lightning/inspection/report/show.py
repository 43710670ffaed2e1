"""Format sentences, entities and places for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ner_lightning.data.sentence import Sentence
from ner_lightning.tagging.spans import EntitySpan

LONGEST = 160  # characters of a sentence that are shown


def show_sentence(sentence: Sentence, joiner: str = " ") -> str:
    """Join the words of a sentence; the end of a long one is left out.

    >>> show_sentence(Sentence(("In", "Oslo", ".")))
    'In Oslo .'
    """
    return reveal_invisible(shorten_excerpt(joiner.join(sentence.words)))


def show_mention(words: Sequence[str], span: EntitySpan, joiner: str = " ") -> str:
    """Join the words of an entity, with invisible characters as codes."""
    return reveal_invisible(shorten_excerpt(joiner.join(words[span.start : span.end])))


def show_annotation(sentence: Sentence, joiner: str = " ") -> str:
    """List the entities of a sentence.

    >>> show_annotation(Sentence(("In", "Oslo", "."), (EntitySpan(1, 2, "LOC"),)))
    '[Oslo LOC]'
    """
    found = [f"[{show_mention(sentence.words, span, joiner)} {span.label}]" for span in sentence.spans]
    return " ".join(found) or "no entity"


def sentence_place(split: str, sentence: Sentence) -> str:
    """Name the place of a sentence: its split, and the file's own name for it, or file and line.

    >>> sentence_place("test", Sentence(("Oslo",), id="test.conll:7"))
    'test.conll:7'
    >>> sentence_place("test", Sentence(("Oslo",), id="n01-3"))
    'test n01-3'
    """
    name, _, line = sentence.id.rpartition(":")
    return sentence.id if name and line.isdigit() else f"{split} {sentence.id}"


def shorten_excerpt(text: str, longest: int = LONGEST) -> str:
    """Cut a text to its beginning, with a mark where it goes on.

    >>> shorten_excerpt("Oslo and Rome", 6)
    'Oslo …'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def reveal_invisible(text: str) -> str:
    r"""Replace invisible characters by their codes, since they would be overlooked, or confuse a page.

    >>> reveal_invisible("a\u200bb \ufe0f")
    'a<U+200B>b <U+FE0F>'
    """
    return "".join(f"<{code_point(c)}>" if is_invisible(c) else c for c in text)


def code_point(character: str) -> str:
    """Return the code point of a character.

    >>> code_point("é")
    'U+00E9'
    """
    return f"U+{ord(character):04X}"


def character_name(character: str) -> str:
    """Return Unicode's name of a character; control characters have none."""
    return unicodedata.name(character, "unnamed").lower()


def is_invisible(character: str) -> bool:
    """Tell whether a character is invisible, belongs to no script or replaces a lost one; a space is visible.

    Control and format characters, spaces other than U+0020, private and unassigned ones, a lone surrogate, variation
    selectors, and U+FFFD, which marks failed decoding.
    """
    if character.isascii():
        return not (" " <= character <= "~")
    return (
        character == "\ufffd"
        or "\ufe00" <= character <= "\ufe0f"
        or unicodedata.category(character) in ("Cc", "Cf", "Co", "Cn", "Cs", "Zs", "Zl", "Zp")
    )
