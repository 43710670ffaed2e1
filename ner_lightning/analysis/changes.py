"""What one run gets right and another wrong, sentence by sentence; what is hard for all; what illegal tags cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from ner_lightning.analysis.slices import same_sentences
from ner_lightning.run.predictions import StoredSentence
from ner_lightning.statistics.counts import f1, judged_entities, scheme_of, sentence_counts
from ner_lightning.tagging.schemes import irregular_steps
from ner_lightning.tagging.spans import EntitySpan

Spans = tuple[EntitySpan, ...]


class Change(NamedTuple):
    """A sentence that two runs judge differently, in a way that counts.

    Attributes:
        before: the sentence as the first run has it.
        after: as the second run has it.
        found: gold entities only the second finds.
        lost: gold entities only the first finds.
        cleared: false alarms only the first raises.
        raised: false alarms only the second raises.
    """

    before: StoredSentence
    after: StoredSentence
    found: Spans
    lost: Spans
    cleared: Spans
    raised: Spans

    @property
    def gain(self) -> int:
        """Errors fewer by the second run; below zero: more."""
        return len(self.found) - len(self.lost) + len(self.cleared) - len(self.raised)


class Totals(NamedTuple):
    """What all changes come to: found - lost is the change of correct entities, cleared - raised that of the wrong."""

    found: int
    lost: int
    cleared: int
    raised: int


class Shift(NamedTuple):
    """A gold entity that more runs of one system find than of another.

    Attributes:
        sentence: it stands in, as in the first run of the first system.
        entity: annotated there.
        before: runs of the first system that find it.
        after: runs of the second that do.
        instead: what the runs that miss it found in its place, most often; empty: nothing. Of the system that finds it
            less often.
    """

    sentence: StoredSentence
    entity: EntitySpan
    before: int
    after: int
    instead: Spans


class Hard(NamedTuple):
    """How runs fare with a sentence.

    Attributes:
        sentence: as in the first run.
        wrong: runs with an error in it.
        misses: gold entities not found, mean over runs.
        false_alarms: wrong entities, mean over runs.
        probability: lowest of an entity found in it, mean over runs that found any; None where none did.
    """

    sentence: StoredSentence
    wrong: int
    misses: float
    false_alarms: float
    probability: float | None


class Illegal(NamedTuple):
    """Tag sequences that broke the scheme, and what reading them strictly costs.

    Attributes:
        sentences: with such tags.
        of: sentences in all.
        steps: forbidden ones: word to word, into the first, out of the last.
        moves: how often each was made, the most frequent first; `None` is the edge of the sentence.
        dropped: entities that conlleval's repair reads there and the strict metric does not.
        right: of them those that are in gold.
        strict_f1: of all sentences.
        lenient_f1: of all sentences; above `strict_f1` if what was dropped was more often right than wrong.
    """

    sentences: int
    of: int
    steps: int
    moves: tuple[tuple[tuple[str | None, str | None], int], ...]
    dropped: int
    right: int
    strict_f1: float
    lenient_f1: float


def find_changes(
    before: Sequence[StoredSentence], after: Sequence[StoredSentence], scheme: str | None = None
) -> list[Change]:
    """Sentences in which two runs have other hits or other false alarms, the largest gain first, largest loss last.

    Args:
        before: stored predictions of a run.
        after: of another on the same sentences.
        scheme: of the models; None: see `scheme_of`, for each run.

    Raises:
        ValueError: they are not on the same sentences.
    """
    same_sentences([before, after])
    found = []
    judged = zip(
        before, after, judged_entities(before, scheme=scheme), judged_entities(after, scheme=scheme), strict=True
    )
    for old, new, (gold, was), (_, now) in judged:
        gained, gone = set(now) - set(was), set(was) - set(now)
        if gained or gone:
            parts = [gained & set(gold), gone & set(gold), gone - set(gold), gained - set(gold)]
            found.append(Change(old, new, *(tuple(sorted(part)) for part in parts)))
    return sorted(found, key=lambda change: -change.gain)


def total_changes(changed: Iterable[Change]) -> Totals:
    """Add up changes."""
    rows = [tuple(len(part) for part in change[2:]) for change in changed]
    return Totals(*(sum(column) for column in zip(*rows, strict=True))) if rows else Totals(0, 0, 0, 0)


def find_shifts(
    before: Sequence[Sequence[StoredSentence]], after: Sequence[Sequence[StoredSentence]], scheme: str | None = None
) -> list[Shift]:
    """Gold entities that a larger share of the runs of one system finds, largest shift first.

    One run differs from another of its own system in hundreds of entities; what most runs of a system agree on is the
    system's.

    Args:
        before: stored predictions of the runs of a system.
        after: of the other, on the same sentences.
        scheme: of the models; None: see `scheme_of`.

    Raises:
        ValueError: they are not on the same sentences, or there is no run.
    """
    if not before or not after:
        raise ValueError("expected at least one run of each system")
    same_sentences([*before, *after])
    sides = [[judged_entities(run, scheme=scheme) for run in runs] for runs in (before, after)]
    found = []
    for i, sentence in enumerate(before[0]):
        for entity in sides[0][0][i].gold:
            was, now = (sum(entity in run[i].predicted for run in runs) for runs in sides)
            if was * len(after) != now * len(before):
                worse = sides[0] if was * len(after) < now * len(before) else sides[1]
                found.append(Shift(sentence, entity, was, now, _instead(entity, [run[i].predicted for run in worse])))
    return sorted(found, key=lambda shift: -abs(shift.after / len(after) - shift.before / len(before)))


def _instead(entity: EntitySpan, runs: Sequence[Sequence[EntitySpan]]) -> Spans:
    """What most of the runs without an entity found in its place, the first where several are as frequent."""
    found = Counter(
        tuple(sorted(span for span in predicted if span.start < entity.end and entity.start < span.end))
        for predicted in runs
        if entity not in predicted
    )
    return found.most_common(1)[0][0]


def find_hardest(
    runs: Sequence[Sequence[StoredSentence]],
    by: Literal["errors", "probability"] = "errors",
    top: int = 50,
    scheme: str | None = None,
) -> list[Hard]:
    """Sentences that most runs get wrong, or those the runs are least sure of.

    Args:
        runs: stored predictions of each run, on the same sentences.
        by: `errors`: wrong in most runs, then most errors, then lowest probability; sentences that no run gets wrong
            are left out. `probability`: lowest first, right or wrong; sentences without a found entity are left out.
        top: at most so many.
        scheme: of the models; None: see `scheme_of`.

    Raises:
        ValueError: runs on different sentences, or none.
    """
    same_sentences(runs)
    judged = [judged_entities(run, scheme=scheme) for run in runs]
    rows = []
    for i, sentence in enumerate(runs[0]):
        misses = [len(set(run[i].gold) - set(run[i].predicted)) for run in judged]
        alarms = [len(set(run[i].predicted) - set(run[i].gold)) for run in judged]
        lowest = [min(entity.probability for entity in run[i].predicted) for run in runs if run[i].predicted]
        wrong = sum(bool(missed or alarm) for missed, alarm in zip(misses, alarms, strict=True))
        rows.append(Hard(sentence, wrong, fmean(misses), fmean(alarms), fmean(lowest) if lowest else None))
    if by == "errors":
        rows = [row for row in rows if row.wrong]
        rows.sort(key=lambda row: (-row.wrong, -row.misses - row.false_alarms, _or_one(row.probability)))
    else:
        rows = [row for row in rows if row.probability is not None]
        rows.sort(key=lambda row: _or_one(row.probability))
    return rows[:top]


def _or_one(probability: float | None) -> float:
    return 1.0 if probability is None else probability


def illegal_sequences(sentences: Sequence[StoredSentence], scheme: str | None = None) -> Illegal:
    """Count the tag sequences that broke the scheme (a decoder without constraints) and what they cost.

    Args:
        sentences: stored predictions of a run.
        scheme: of the model; None: see `scheme_of`.
    """
    scheme = scheme or scheme_of(sentences)
    broken = [sentence for sentence in sentences if sentence.predicted_tags is not None]
    moves: Counter[tuple[str | None, str | None]] = Counter()
    for sentence in broken:
        tags = [None, *(sentence.predicted_tags or ()), None]
        moves.update((tags[i], tags[i + 1]) for i in irregular_steps(tags[1:-1], scheme))  # type: ignore[arg-type]
    readings = zip(judged_entities(broken, False, scheme), judged_entities(broken, True, scheme), strict=True)
    dropped = [
        (span, lenient.gold) for lenient, strict in readings for span in set(lenient.predicted) - set(strict.predicted)
    ]
    strict_f1, lenient_f1 = (float(f1(sentence_counts(sentences, strict, scheme).sum(0))) for strict in (True, False))
    return Illegal(
        len(broken),
        len(sentences),
        moves.total(),
        tuple(sorted(moves.items(), key=lambda item: (-item[1], str(item[0])))),
        len(dropped),
        sum(span in gold for span, gold in dropped),
        strict_f1,
        lenient_f1,
    )
