"""One sentence of a corpus, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass

from ner_lightning.tagging.spans import EntitySpan


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words and the entities over them.

    Attributes:
        words: its words; for Chinese without word boundaries, its characters. Readers yield no sentence without words.
        spans: its entities, in order, not overlapping.
        unknown: indices of the words whose tag nobody annotated (partial labels, or no annotation at all).
        id: the file's own name for it (`# sent_id`, a JSONL `id`), otherwise its place, `file.conll:123`.
        document: name of the document it belongs to; empty if the file has none.
        text: the text the words were taken from, if there was one.
        offsets: `[start, end)` of each word in `text`, in characters; given if and only if `text` is.

    Raises:
        ValueError: spans, unknown words or offsets that do not fit them.
    """

    words: tuple[str, ...]
    spans: tuple[EntitySpan, ...] = ()
    unknown: tuple[int, ...] = ()
    id: str = ""
    document: str = ""
    text: str | None = None
    offsets: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        position = 0
        for span in self.spans:
            if not position <= span.start < span.end <= len(self.words):
                raise ValueError(
                    f"expected ordered spans that do not overlap inside the {len(self.words)} words of sentence "
                    f"{self.id!r}, found {span}"
                )
            position = span.end
        if self.unknown and not 0 <= min(self.unknown) <= max(self.unknown) < len(self.words):
            raise ValueError(f"expected unknown words among {len(self.words)} words, found {self.unknown}")
        if (self.text is None) != (self.offsets is None) or (
            self.offsets is not None and len(self.offsets) != len(self.words)
        ):
            raise ValueError(f"expected an offset for each word of sentence {self.id!r} where its text is given")
