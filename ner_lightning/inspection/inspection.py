"""Inspect a corpus and collect everything that was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ner_lightning.errors import UserError
from ner_lightning.inspection.catalogue import FINDINGS
from ner_lightning.inspection.corpus import InspectedCorpus
from ner_lightning.inspection.finding import Finding
from ner_lightning.inspection.findings.characters import Invisible
from ner_lightning.inspection.findings.entity_types import count_types, find_alike, find_foreign, find_rare
from ner_lightning.inspection.findings.gather import Gathered, Gatherer
from ner_lightning.inspection.findings.mentions import find_ambiguous, find_unmarked, find_unseen
from ner_lightning.inspection.findings.numbers import count_by_range, summarise
from ner_lightning.inspection.findings.reading import find_dropped, find_illegal
from ner_lightning.inspection.findings.sentences import (
    Splits,
    find_conflicts,
    find_documents,
    find_duplicates,
    find_leakage,
)
from ner_lightning.inspection.findings.subwords import SubwordCounts, find_long, find_odd
from ner_lightning.inspection.settings import InspectionSettings

if TYPE_CHECKING:
    from ner_lightning.data.corpus.encoding import WordEncoder

FORMAT = 1
"""Version of the JSON."""

CHUNK = 10_000  # sentences that are examined together


@dataclass(frozen=True)
class Inspection:
    """The result of an inspection, in plain containers except for the findings.

    Attributes:
        data: its folder.
        units: what a word is.
        encoder: name and row length of the encoder; None without one.
        splits: counts, lengths and subwords by split.
        sources: counts by split and source, if there are several corpora.
        types: mentions by type and split.
        histograms: of words, subwords and entities per sentence and of words per entity, by split.
        findings: in the order of the reasons to fail.
        notes: sentences about the corpus as a whole.
        fail_on: reasons to fail that were asked for.
    """

    data: str
    units: str
    encoder: dict[str, Any] | None
    splits: dict[str, dict[str, Any]]
    sources: dict[str, dict[str, dict[str, int]]]
    types: dict[str, dict[str, int]]
    histograms: dict[str, dict[str, Any]]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    fail_on: tuple[str, ...]

    @property
    def failures(self) -> list[Finding]:
        """The findings to fail on that exceed their limits."""
        return [finding for finding in self.findings if finding.name in self.fail_on and finding.is_over]

    def finding(self, name: str) -> Finding:
        """Return the finding with a name."""
        return next(finding for finding in self.findings if finding.name == name)

    def to_json(self) -> dict[str, Any]:
        """Convert to plain containers."""
        return {
            "format": FORMAT,
            "data": self.data,
            "units": self.units,
            "encoder": self.encoder,
            "splits": self.splits,
            **({"sources": self.sources} if self.sources else {}),
            "types": self.types,
            "histograms": self.histograms,
            "notes": list(self.notes),
            "findings": [finding.to_json() for finding in self.findings],
            "fail_on": list(self.fail_on),
            "failed": [finding.name for finding in self.failures],
        }


def inspect_corpus(
    corpus: InspectedCorpus,
    settings: InspectionSettings | None = None,
    words: WordEncoder | None = None,
    encoder_name: str = "",
) -> Inspection:
    """Look at every sentence twice; memory holds numbers of each, not its text.

    Args:
        corpus: its splits.
        settings: what to report, and when to fail.
        words: the encoder's view of words; without it nothing is said about subwords.
        encoder_name: of the encoder.

    Raises:
        UserError: something to fail on cannot be determined: a build must not pass because a file is missing.
    """
    settings = settings or InspectionSettings()
    splits = corpus.splits
    joiner = "" if corpus.units == "characters" else " "
    numbers, invisible, subwords = _gathered(splits, words)
    types = count_types(numbers)
    room = words.room if words else 0
    findings = (
        find_leakage(splits, numbers, settings, joiner),
        find_duplicates(splits, numbers, settings, joiner),
        find_documents(numbers, splits, settings),
        find_conflicts(splits, numbers, settings, joiner),
        find_ambiguous(splits, numbers, settings, joiner),
        find_unmarked(splits, numbers, settings, joiner),
        find_illegal(corpus.decisions, settings),
        *find_dropped(corpus.decisions, settings),
        find_foreign(splits, numbers, settings),
        find_alike(types, settings),
        find_rare(types, settings),
        find_unseen(numbers, settings),
        invisible.finding(settings),
        *find_odd(subwords, settings),
        find_long(splits, subwords, room, settings, joiner),
    )
    assert tuple(finding.kind for finding in findings) == FINDINGS
    _check_told(findings, settings)
    return Inspection(
        data=corpus.name,
        units=corpus.units,
        encoder={"name": encoder_name, "window": room} if words else None,
        splits={split: _facts(corpus, split, numbers[split], (subwords or {}).get(split)) for split in splits},
        sources={split: {name: dict(counts) for name, counts in of.items()} for split, of in corpus.sources.items()},
        types=types,
        histograms=_histograms(numbers, subwords or {}),
        findings=findings,
        notes=tuple(_notes(corpus)),
        fail_on=tuple(settings.fail_on),
    )


def _gathered(
    splits: Splits, words: WordEncoder | None
) -> tuple[dict[str, Gathered], Invisible, dict[str, SubwordCounts] | None]:
    """Collect the numbers of every split, looking once at each sentence."""
    type_numbers: dict[str, int] = {}
    numbers: dict[str, Gathered] = {}
    invisible = Invisible()
    subwords = None if words is None else {split: SubwordCounts(split, words) for split in splits}
    for split, sentences in splits.items():
        gatherer, drawn = Gatherer(type_numbers), iter(sentences)
        while chunk := list(islice(drawn, CHUNK)):
            gatherer.add(chunk)
            invisible.add(split, chunk)
            if subwords is not None:
                subwords[split].add(chunk)
        numbers[split] = gatherer.done()
    return numbers, invisible, subwords


def _check_told(findings: Sequence[Finding], settings: InspectionSettings) -> None:
    for finding in findings:
        if finding.name in settings.fail_on and not finding.parts:
            raise UserError(f"fail_on={finding.name} cannot be told of these data: {finding.why_not}.")


def _facts(corpus: InspectedCorpus, split: str, gathered: Gathered, subwords: SubwordCounts | None) -> dict[str, Any]:
    report = corpus.reports[split]
    return {
        "file": corpus.files.get(split),
        "sentences": len(gathered),
        "words": int(gathered.words.sum()),
        "entities": len(gathered.mention),
        "types": len(gathered.type_counts()),
        "documents": report.documents or None,
        "scheme": report.scheme or None,
        "sentences_without_entity": int((gathered.entities == 0).sum()),
        "unannotated_words": report.unknown_words,
        "lengths": {
            "words": summarise(gathered.words),
            "subwords": summarise(subwords.lengths) if subwords else None,
            "entities": summarise(gathered.entities),
            "words_per_entity": summarise(gathered.width),
        },
        "encoder": subwords.to_json() if subwords else None,
        "problems_beyond_the_list": report.unlisted,
    }


def _histograms(numbers: Mapping[str, Gathered], subwords: Mapping[str, SubwordCounts]) -> dict[str, dict[str, Any]]:
    found = {
        "words": count_by_range({split: gathered.words for split, gathered in numbers.items()}),
        "entities": count_by_range({split: gathered.entities for split, gathered in numbers.items()}),
        "words_per_entity": count_by_range({split: gathered.width for split, gathered in numbers.items()}),
    }
    if subwords:
        found["subwords"] = count_by_range({split: of_split.lengths for split, of_split in subwords.items()})
    return found


LOOKED_AT = 2000  # sentences that show what a word is


def _notes(corpus: InspectedCorpus) -> list[str]:
    notes = []
    schemes = {name: report.scheme for name, report in corpus.decisions.items() if report.scheme}
    if len(set(schemes.values())) > 1:
        found = ", ".join(f"{name} {scheme}" for name, scheme in schemes.items())
        notes.append(f"The files are in different tag schemes: {found}.")
    if not any(report.documents for report in corpus.reports.values()):
        notes.append("The files do not tell documents apart.")
    missing = [split for split in ("train", "dev", "test") if split not in corpus.splits]
    if missing:
        notes.append(f"There is no {' and no '.join(missing)} split.")
    sample = [word for sentences in corpus.splits.values() for s in islice(sentences, LOOKED_AT) for word in s.words]
    if corpus.units == "words" and 2 * sum(map(_is_han, sample)) > len(sample):
        notes.append("Most words are single Chinese characters: set data.units=characters.")
    unannotated = sum(report.unknown_words for report in corpus.reports.values())
    if unannotated:
        notes.append(
            f"{unannotated:,} words are not annotated (partial labels): they teach nothing and are not scored."
        )
    return notes


def _is_han(word: str) -> bool:
    return len(word) == 1 and "\u4e00" <= word <= "\u9fff"
