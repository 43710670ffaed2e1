"""Corpora of a few words: `Ann/B-PER lives in Oslo/B-LOC`, a word that nobody annotated as `word/?`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.sentence import Sentence
from ner_lightning.inspection.corpus import InspectedCorpus
from ner_lightning.inspection.findings.gather import Gathered, Gatherer
from ner_lightning.inspection.inspection import Inspection, inspect_corpus
from ner_lightning.inspection.settings import InspectionSettings
from ner_lightning.tagging import tags_to_spans


def sentence(text: str, name: str = "", document: str = "") -> Sentence:
    """One sentence; its name is `file:line` unless given."""
    pairs = [token.rpartition("/") if "/" in token else (token, "", "O") for token in text.split(" ")]
    tags = ["O" if tag == "?" else tag for _, _, tag in pairs]
    unknown = tuple(i for i, (_, _, tag) in enumerate(pairs) if tag == "?")
    words = tuple(word for word, _, _ in pairs)
    return Sentence(words, tags_to_spans(tags, "IOB2").spans, unknown, name, document)


def made(units: str = "words", **splits: Sequence[str | Sentence]) -> InspectedCorpus:
    """A corpus; its sentences are named after split and place, `train.x:1` for the first."""
    reports = {split: ReadReport(scheme="IOB2") for split in splits}
    read = {
        split: [
            reports[split].count(item if isinstance(item, Sentence) else sentence(item, f"{split}.x:{number}"))
            for number, item in enumerate(items, 1)
        ]
        for split, items in splits.items()
    }
    return InspectedCorpus(
        "folder/of/corpus", read, reports, {split: f"folder/{split}.x" for split in splits}, units, reports
    )


def gather(sentences: Iterable[Sentence], types: dict[str, int]) -> Gathered:
    """The numbers of a split."""
    gatherer = Gatherer(types)
    gatherer.add(sentences)
    return gatherer.done()


def numbers(corpus: InspectedCorpus) -> dict[str, Gathered]:
    """What is gathered of a corpus."""
    types: dict[str, int] = {}
    return {split: gather(sentences, types) for split, sentences in corpus.splits.items()}


def inspected(settings: InspectionSettings | None = None, **splits: Sequence[str | Sentence]) -> Inspection:
    """The report on a made corpus."""
    return inspect_corpus(made(**splits), settings)


def parts(inspection: Inspection, name: str) -> dict[str, tuple[int, int]]:
    """The counts of a finding."""
    return {part.name: (part.count, part.total) for part in inspection.finding(name).parts}


def rows(inspection: Inspection, name: str) -> list[tuple[object, ...]]:
    """The places of a finding."""
    return list(inspection.finding(name).listing.rows)
