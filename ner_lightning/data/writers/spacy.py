"""Write spaCy's DocBin files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.writer import WriteReport
from ner_lightning.errors import UserError


class SpacyWriter:
    """A writer of a `.spacy` file with a document per sentence; all are in memory until it is written.

    Tokens are the words, and white space beyond single spaces. Unknown words are missing values, as in spaCy. Ids
    and documents are kept in `doc.user_data`. Needs the extra `spacy`.

    Args:
        sentences: whether each document is marked as one sentence.
    """

    whole_documents = True

    def __init__(self, sentences: bool = True) -> None:
        self.sentences = sentences

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file.

        Raises:
            UserError: spaCy is not installed.
        """
        try:
            from spacy.tokens import DocBin
            from spacy.vocab import Vocab
        except ImportError:
            raise UserError("writing a .spacy file needs spaCy: pip install 'ner-lightning[spacy]'") from None
        written, vocab = WriteReport(), Vocab()
        bin_ = DocBin(attrs=["ORTH", "ENT_IOB", "ENT_TYPE", "SENT_START"], store_user_data=True)
        for sentence in sentences:
            bin_.add(self._doc(written.count(sentence), vocab))
        bin_.to_disk(target)
        return written

    def _doc(self, sentence: Sentence, vocab: Any) -> Any:
        from spacy.tokens import Doc, Span

        tokens = _tokens(sentence)
        doc = Doc(vocab, [text for text, _, _ in tokens], [space for _, space, _ in tokens])
        places = [i for i, (_, _, is_word) in enumerate(tokens) if is_word]
        entities = [Span(doc, places[s.start], places[s.end - 1] + 1, s.label) for s in sentence.spans]
        missing = [Span(doc, places[i], places[i] + 1) for i in sentence.unknown if not _inside(i, sentence)]
        doc.set_ents(entities, missing=missing, default="outside")
        if self.sentences:
            for token in doc:
                token.is_sent_start = token.i == 0
        doc.user_data.update(id=sentence.id, document=sentence.document)
        doc.user_data["no_words"] = [i for i, (_, _, is_word) in enumerate(tokens) if not is_word]
        return doc


def _inside(index: int, sentence: Sentence) -> bool:
    return any(span.start <= index < span.end for span in sentence.spans)


def _tokens(sentence: Sentence) -> list[tuple[str, bool, bool]]:
    """List text, whether a space follows, and whether it is a word, of each token; together they are the text."""
    text, position = sentence.text or "", 0
    tokens: list[tuple[str, bool, bool]] = []

    def fill(end: int) -> None:
        gap = text[position:end]
        if tokens and gap.startswith(" "):
            tokens[-1] = (tokens[-1][0], True, tokens[-1][2])
            gap = gap[1:]
        if gap:
            tokens.append((gap, False, False))

    for start, end in sentence.offsets or ():
        fill(start)
        tokens.append((text[start:end], False, True))
        position = end
    fill(len(text))
    return tokens
