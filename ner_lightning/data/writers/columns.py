"""Write columns: one word per line with its tag, an empty line between sentences."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from ner_lightning.data.sentence import Sentence
from ner_lightning.data.writers.writer import WriteReport, opened
from ner_lightning.tagging import scheme_named, spans_to_tags

UNKNOWN_TAG = "?"


class ConllWriter:
    """A writer of a word, a tab and its tag per line; a word nobody annotated has the tag `?`.

    Args:
        scheme: tag scheme: IOB2, BIOES, BILOU, BMES, IOB1, IO.
        documents: whether a line `-DOCSTART-` begins each document.
        comments: whether `# newdoc id`, `# sent_id` and `# text` precede each sentence, as in Universal NER; they keep
            what is otherwise lost, but not every program recognises them as comments.
    """

    whole_documents = False

    def __init__(self, scheme: str = "IOB2", documents: bool = False, comments: bool = False) -> None:
        self.scheme = scheme_named(scheme).name
        self.documents = documents
        self.comments = comments

    def write(self, sentences: Iterable[Sentence], target: Path) -> WriteReport:
        """Write a file.

        Raises:
            ValueError: as `write_conll`.
        """
        written = WriteReport()
        marker = "-DOCSTART-" if self.documents else None
        write_conll(map(written.count, sentences), target, self.scheme, marker, self.comments)
        return written


def write_conll(
    sentences: Iterable[Sentence],
    target: Path | TextIO,
    scheme: str = "IOB2",
    document_marker: str | None = None,
    comments: bool = False,
) -> int:
    """Write one word and its tag per line, with a tab between, and an empty line after each sentence.

    A word nobody annotated gets the tag `?`. Texts, offsets and ids are kept in comments or not at all; `write_jsonl`
    keeps them.

    Args:
        sentences: what to write.
        target: a file to make, or an open text stream.
        scheme: tag scheme.
        document_marker: the word of a line written at the beginning of each document, such as `-DOCSTART-`.
        comments: whether `# newdoc id`, `# sent_id` and `# text` precede a sentence.

    Returns:
        The number of sentences written.

    Raises:
        ValueError: a word is empty, contains a tab or line feed, or would be read as the marker; or the scheme cannot
            separate spans.
    """
    count, document = 0, ""
    with opened(target) as stream:
        for count, sentence in enumerate(sentences, 1):
            if sentence.document != document:
                document = sentence.document
                if document_marker:
                    stream.write(f"{document_marker}\tO\n\n")
                if comments:
                    stream.write(f"# newdoc id = {_in_a_line(document)}\n")
            lines = format_columns(sentence, scheme)
            if count == 1 and sentence.words[:1] and sentence.words[0].startswith("\ufeff"):
                stream.write("\n")  # a reader would take U+FEFF at the very start for a byte order mark
            if comments:
                stream.writelines(_comments(sentence))
            stream.write(lines)
    return count


def format_columns(sentence: Sentence, scheme: str = "IOB2") -> str:
    r"""Format the lines of a sentence, including the empty one at its end.

    Raises:
        ValueError: as `write_conll`.

    >>> format_columns(Sentence(("Ann", "left"), unknown=(1,)))
    'Ann\tO\nleft\t?\n\n'
    """
    tags = spans_to_tags(sentence.spans, len(sentence.words), scheme)
    for index in sentence.unknown:
        if tags[index] == "O":
            tags[index] = UNKNOWN_TAG
    for word in sentence.words:
        if not word or "\t" in word or "\n" in word or word == "-DOCSTART-":
            raise ValueError(f"expected words that fit a column, found {word!r} in {sentence.id}; write JSONL")
    return "".join(f"{word}\t{tag}\n" for word, tag in zip(sentence.words, tags, strict=True)) + "\n"


def _comments(sentence: Sentence) -> Iterable[str]:
    if sentence.id:
        yield f"# sent_id = {_in_a_line(sentence.id)}\n"
    if sentence.text and "\n" not in sentence.text and not sentence.text.endswith("\r"):
        yield f"# text = {sentence.text}\n"


def _in_a_line(text: str) -> str:
    return " ".join(text.split())
