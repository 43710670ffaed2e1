"""Fingerprints of the data that a run was trained and evaluated on: words and annotation, wherever they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ner_lightning.data.corpus.sentence_store import SentenceStore

# Names of sentences, documents and original texts are left out: they change nothing that a model sees.
_SEEN = ("word_bytes", "word_start", "words", "spans_start", "unknown", "unknown_start")


def content_of(sentences: SentenceStore) -> str:
    """Digest words, entities and unknown words, in their order.

    >>> from ner_lightning.data.sentence import Sentence
    >>> from ner_lightning.data.corpus.sentence_store import in_memory
    >>> one, other = (in_memory([Sentence(("Oslo",), id=name)]) for name in ("a:1", "b:7"))
    >>> content_of(one) == content_of(other) != content_of(in_memory([Sentence(("Rome",))]))
    True
    """
    found = hashlib.sha256()
    for name in _SEEN:
        found.update(sentences.arrays[name].tobytes())
        found.update(b"|")
    spans = sentences.arrays["spans"]
    # The numbers of types depend on their order in the file, so names are used.
    types = [sentences.types[label] for label in spans[:, 2].tolist()]
    found.update(spans[:, :2].tobytes() + "|".join(types).encode())
    return found.hexdigest()


def contents_of(splits: Mapping[str, object]) -> dict[str, str]:
    """Digest each split that is held as a whole; a streamed one has no digest."""
    return {split: content_of(sentences) for split, sentences in splits.items() if isinstance(sentences, SentenceStore)}
