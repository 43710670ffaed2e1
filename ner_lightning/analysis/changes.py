"""Compare runs sentence by sentence: what one gets right and another wrong, what is hard for all, illegal tags."""

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
    """A sentence in which two runs have different hits or false alarms.

    Attributes:
        before: the sentence with the predictions of the first run.
        after: the sentence with those of the second run.
        found: gold entities that only the second finds.
        lost: gold entities that only the first finds.
        cleared: false alarms that only the first raises.
        raised: false alarms that only the second raises.
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
    """Sums over all changes: found - lost is the change in correct entities, cleared - raised that in wrong ones."""

    found: float
    lost: float
    cleared: float
    raised: float


class Shift(NamedTuple):
    """A gold entity that more runs of one system find than of another.

    Attributes:
        sentence: the sentence it is in, from the first run of the first system.
        entity: the gold entity.
        before: number of runs of the first system that find it.
        after: number of runs of the second that find it.
        instead: what the runs that miss it most often find in its place, empty if nothing; taken from the system that
            finds it less often.
    """

    sentence: StoredSentence
    entity: EntitySpan
    before: int
    after: int
    instead: Spans


class Hard(NamedTuple):
    """The errors of all runs in one sentence.

    Attributes:
        sentence: the sentence, from the first run.
        wrong: number of runs with an error in it.
        misses: gold entities not found, mean over runs.
        false_alarms: wrong entities, mean over runs.
        probability: lowest probability of an entity found in it, mean over the runs that found any; None if none did.
    """

    sentence: StoredSentence
    wrong: int
    misses: float
    false_alarms: float
    probability: float | None


class Illegal(NamedTuple):
    """Tag sequences that break the scheme, and what reading them strictly costs.

    Attributes:
        sentences: number with such tags.
        of: number of sentences in all.
        steps: number of forbidden steps: word to word, into the first, out of the last.
        moves: how often each was made, the most frequent first; `None` is the edge of the sentence.
        dropped: number of entities there that conlleval's repair reads and the strict metric does not.
        right: how many of those are in gold.
        strict_f1: strict F1 of all sentences.
        lenient_f1: lenient F1 of all sentences; above `strict_f1` if what was dropped was mostly right.
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
    """Find sentences in which two runs differ in hits or false alarms, from the largest gain to the largest loss.

    Args:
        before: stored predictions of a run.
        after: stored predictions of another run on the same sentences.
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
    """Find gold entities that a larger share of one system's runs finds, largest shift first.

    Two runs of the same system differ in hundreds of entities; only what most of its runs agree on can be ascribed to
    the system.

    Args:
        before: stored predictions of the runs of one system.
        after: stored predictions of the other's runs, on the same sentences.
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
    """Return what most of the runs that miss an entity found in its place; among equals, the first."""
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
    """Find the sentences that most runs get wrong, or those the runs are least sure of.

    Args:
        runs: stored predictions of each run, on the same sentences.
        by: `errors`: wrong in most runs, then most errors, then lowest probability; sentences that no run gets wrong
            are left out. `probability`: lowest first, right or wrong; sentences without a found entity are left out.
        top: the largest number to return.
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
    """Count the tag sequences that break the scheme (a decoder without constraints) and their cost.

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
