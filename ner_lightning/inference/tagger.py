"""A tagger loaded from a checkpoint."""

from __future__ import annotations

import hashlib
import json
import logging
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch

from ner_lightning.config.signatures import signature
from ner_lightning.data.batches.collate import Collator, Layout
from ner_lightning.data.batches.context import DocumentContext, Documents
from ner_lightning.data.batches.samplers import EvaluationSampler
from ner_lightning.data.corpus.encoding import encode
from ner_lightning.data.corpus.sentence_store import in_memory
from ner_lightning.data.marks import marks_are_glued
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.words import SplitRule, split_words
from ner_lightning.errors import UserError
from ner_lightning.inference.neighbours import Chunk, cut_chunks
from ner_lightning.run.failure import failure_of
from ner_lightning.tagging.spans import ScoredSpan
from ner_lightning.task.decoded_entities import read_batch
from ner_lightning.training.checkpoint import Loaded, load

log = logging.getLogger(__name__)

Units = Literal["auto", "words", "punctuation", "characters"]
SPLIT_RULES: dict[Units, SplitRule] = {
    "words": "whitespace",
    "punctuation": "punctuation",
    "characters": "characters",
}

# Number of batches whose sentences are read ahead and sorted together: little padding, bounded memory.
READ_AHEAD = 32


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity found in a text.

    Attributes:
        text: its characters.
        label: its type.
        char_start: position of its first character in the text.
        char_end: position after its last character.
        probability: posterior probability of exactly this entity.
    """

    text: str
    label: str
    char_start: int
    char_end: int
    probability: float


class TooLarge(UserError):
    """There is not enough memory for a sentence.

    Args:
        sentence: the sentence.
    """

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(
            f"{sentence.id or 'a sentence'}: {len(sentence.words):,} words in one sentence need more memory than there "
            "is; cut it"
        )


class Tagger:
    """A trained model, ready to tag.

    Args:
        loaded: the content of a checkpoint.
        device: `auto` (a GPU if there is one), `cpu`, `cuda`, …
        units: how text is split: `words` at spaces, `punctuation` also at punctuation marks (text as people write it),
            `characters`; `auto`: as in training, and also at punctuation marks if they were words of their own there
            but are not in the text.

    Attributes:
        context: subwords of the document that the model saw on each side of a sentence in training; 0: none.
    """

    def __init__(self, loaded: Loaded, *, device: str = "auto", units: Units = "auto") -> None:
        self.units: Units = units_of_training(loaded.config) if units == "auto" else units
        self._marks_are_words: bool | None = loaded.task.about.get("marks_are_words") if units == "auto" else False
        if self.units not in SPLIT_RULES:
            raise UserError(f"units={units}: expected auto, words, punctuation or characters")
        self.device = pick_device(device)
        self.model = loaded.task.model.to(self.device).eval()
        self.tags = loaded.task.tags
        self._words, self._overlap = loaded.words, loaded.config["data"]["overlap"]
        self.context: int = loaded.config["data"].get("context", 0)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto", units: Units = "auto") -> Tagger:
        """Load the tagger of a checkpoint, or of a run folder's best one.

        Raises:
            UserError: no such file, not a checkpoint of ours, or no such device.
        """
        return cls(load(path), device=device, units=units)

    def __call__(self, text: str) -> list[Entity]:
        """Find the entities of a text, in order; a text without words has none."""
        return self.tag_texts([text])[0]

    def tag_texts(self, texts: Iterable[str]) -> list[list[Entity]]:
        """Find the entities of several texts, each a document of one sentence; faster than one by one.

        Raises:
            TypeError: one text instead of a list of them, or something else among them.
            UserError: a text has half of a surrogate pair, which is no character.
        """
        if isinstance(texts, str):
            raise TypeError("expected a list of texts, found one text; call the tagger itself")
        given = list(texts)
        rule = SPLIT_RULES[self.units_for([text for text in given if isinstance(text, str)])]
        found: list[list[Entity]] = []
        sentences = []
        for number, one in enumerate(given):
            if not isinstance(one, str):
                raise TypeError(f"text {number}: expected text, found {type(one).__name__}")
            found.append([])
            _check_characters(one, number)
            if offsets := split_words(one, rule):
                words = tuple(one[start:end] for start, end in offsets)
                sentences.append(Sentence(words, id=str(number), text=one, offsets=offsets))
        for sentence, spans in self.tag(sentences):
            found[int(sentence.id)] = [_entity(sentence, span) for span in spans]
        return found

    def units_for(self, texts: Sequence[str]) -> Units:
        """Decide how to split texts: as in training, where marks after words may be words of their own.

        Args:
            texts: some of them, which show how they are written.
        """
        if self.units != "words" or self._marks_are_words is False or not marks_are_glued(texts):
            return self.units
        if self._marks_are_words is None:  # an older checkpoint does not say
            log.warning(
                "punctuation marks are taken as parts of words; if they were words in training: units=punctuation"
            )
            return self.units
        return "punctuation"

    @cached_property
    def fingerprint(self) -> str:
        """Digest everything that decides what is found: weights, tags, tokenizer, how text is split."""
        weights = {name: _checksum(tensor) for name, tensor in self.model.state_dict().items()}
        about = [weights, self.tags.to_dict(), self._words.fingerprint, self.units, self.context, self._overlap]
        return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def tag(
        self, sentences: Iterable[Sentence], batch_size: int = 64
    ) -> Iterator[tuple[Sentence, tuple[ScoredSpan, ...]]]:
        """Tag a stream of sentences; yields them in their order, with the entities found.

        Only as many sentences are held at a time as make sorting by length worthwhile. A model with context reads each
        among its neighbours in the same `document`; a sentence without a document is read alone.

        Args:
            sentences: any number of them; their own spans are ignored.
            batch_size: sentences that go through the model together, as long as memory lasts.

        Raises:
            TooLarge: a sentence for which there is not enough memory even alone.
            UserError: batch size below 1.
        """
        for sentence, found in self.tag_what_fits(sentences, batch_size):
            if isinstance(found, TooLarge):
                raise found
            yield sentence, found

    def tag_what_fits(
        self, sentences: Iterable[Sentence], batch_size: int = 64, behind: int = 0
    ) -> Iterator[tuple[Sentence, tuple[ScoredSpan, ...] | TooLarge]]:
        """Tag a stream of sentences as `tag` does; one that is too large comes with the error instead of entities.

        Args:
            sentences: as for `tag`.
            batch_size: as for `tag`.
            behind: number of first sentences that are only read as neighbours, and not yielded.
        """
        if batch_size < 1:
            raise UserError(f"batch_size={batch_size}: expected a whole number from 1 on")
        for chunk in cut_chunks(sentences, batch_size * READ_AHEAD, self.context):
            done = min(behind, len(chunk.own))
            behind -= done
            if done < len(chunk.own):
                yield from zip(chunk.own[done:], self._tag(chunk, batch_size)[done:], strict=True)

    @torch.inference_mode()
    def _tag(self, chunk: Chunk, batch_size: int) -> list[tuple[ScoredSpan, ...] | TooLarge]:
        store = in_memory(Sentence(sentence.words, document=sentence.document) for sentence in chunk.sentences)
        corpus = encode(store, self._words, self.tags)
        layout: Layout = "packed" if self.model.encoder.supports_packing else "padded"
        context, lengths = None, corpus.lengths
        if self.context:
            context = DocumentContext(corpus, Documents.of(store), self.context, self._words.room)
            lengths = lengths + context.sizes()
        collate = Collator(corpus, self._words, layout, self._overlap, context=context)
        found: dict[int, tuple[ScoredSpan, ...] | TooLarge] = {}
        first, last = chunk.first, chunk.first + len(chunk.own)
        for draw in EvaluationSampler(lengths[first:last], batch_size):
            found |= self._tag_batch(collate, [first + index for index in draw.indices], chunk.sentences)
        return [found[index] for index in range(first, last)]

    def _tag_batch(
        self, collate: Collator, indices: list[int], sentences: Sequence[Sentence]
    ) -> dict[int, tuple[ScoredSpan, ...] | TooLarge]:
        """Tag some sentences together; in halves if memory runs out."""
        try:
            batch = collate(indices).to(self.device, non_blocking=True)
            emissions = self.model(batch)
            predicted = self.model.decoder.decode(emissions, batch.mask)
            read = read_batch(self.model.decoder, emissions, predicted, batch.mask, self.tags)
            return dict(zip(batch.index, (one.entities for one in read), strict=True))
        except (RuntimeError, MemoryError) as error:
            if not failure_of(error).out_of_memory:
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(indices) == 1:
            return {indices[0]: TooLarge(sentences[indices[0]])}
        half = len(indices) // 2
        return {
            **self._tag_batch(collate, indices[:half], sentences),
            **self._tag_batch(collate, indices[half:], sentences),
        }


def _checksum(tensor: torch.Tensor) -> int:
    plain = tensor.detach().cpu().contiguous().flatten()
    return zlib.crc32(plain.view(torch.uint8).numpy().data) if plain.numel() else 0


def _check_characters(text: str, number: int) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"U+{ord(text[error.start]):04X} at {error.start}"
        raise UserError(
            f"text {number}: expected characters, found half of one ({found}); "
            "it was decoded wrongly, text.encode('utf-16', 'surrogatepass').decode('utf-16') joins pairs"
        ) from None


def _entity(sentence: Sentence, found: ScoredSpan) -> Entity:
    assert sentence.text is not None
    assert sentence.offsets is not None
    start, end = sentence.offsets[found.span.start][0], sentence.offsets[found.span.end - 1][1]
    return Entity(sentence.text[start:end], found.span.label, start, end, found.probability)


def units_of_training(config: Mapping[str, Any]) -> Units:
    """Tell how text was split for the model: by the corpora (`words`), at punctuation, or into characters.

    If one of several corpora had its words split from texts, it decides: such text is what will be tagged.

    >>> units_of_training({"data": {"units": "words", "reader": {"words": "auto"}}})
    'punctuation'
    """
    data = config["data"]
    splits = {reader.get("words", _default_of_words(reader)) for reader in _readers(data)}
    if data["units"] == "words" and splits & {"auto", "punctuation"}:
        return "punctuation"
    return data["units"]


def _default_of_words(reader: Mapping[str, Any]) -> str | None:
    """Return how a reader splits words by default; None if its files have words already."""
    taken = signature(reader.get("_target_", ""))
    return "auto" if taken and "words" in taken.parameters else None


def _readers(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the readers of all corpora; those without a reader of their own share `data.reader`."""
    sources = data.get("sources")
    nodes = sources.values() if isinstance(sources, Mapping) else sources or [{}]
    for node in nodes:
        own = node.get("reader") if isinstance(node, Mapping) else None
        reader = data["reader"] if own is None else own
        if reader is not None:
            yield reader


def pick_device(name: str) -> torch.device:
    """Return the device of a name; `auto` is a GPU if there is one.

    Raises:
        UserError: there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device={name}: not available here ({str(error).splitlines()[0]}); use device=auto") from error
    return device
