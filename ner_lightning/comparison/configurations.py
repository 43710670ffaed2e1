"""Sort runs into configurations, and those into sections that were evaluated on the same sentences."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ner_lightning.comparison.predictions import JudgedRuns, Replicate, replicates
from ner_lightning.comparison.runs.run import FinishedRun, LeftOut
from ner_lightning.comparison.settings import REPETITION
from ner_lightning.comparison.vary import (
    ABSENT,
    Settings,
    find_differences,
    find_varying,
    names_of,
    settings_of,
    value_text,
)
from ner_lightning.errors import UserError

DATA = "data.dir"


@dataclass(frozen=True)
class Configuration:
    """Runs that differ only by repetition.

    Attributes:
        name: the varying settings in words.
        settings: the varying settings, by dotted key.
        runs: in the order of their seeds.
        replicates: those with predictions on the sentences of their section.
    """

    name: str
    settings: Mapping[str, Any]
    runs: tuple[FinishedRun, ...]
    replicates: tuple[Replicate, ...] = ()


class Varied(NamedTuple):
    """The settings in which configurations differ.

    Attributes:
        keys: the fewest that distinguish them, which name them.
        also: all others, with their values.
    """

    keys: list[str]
    also: dict[str, list[Any]]


@dataclass(frozen=True)
class RunGroup:
    """Runs of one configuration that has no name yet.

    Attributes:
        settings: of its first run.
        runs: in the order of their seeds.
        replicates: those with predictions on the sentences that most of them were evaluated on.
        others: number of runs that were evaluated on other sentences.
    """

    settings: Settings
    runs: tuple[FinishedRun, ...]
    replicates: tuple[Replicate, ...] = ()
    others: int = 0


def group_runs(runs: Sequence[FinishedRun], repetition: Sequence[str]) -> tuple[list[RunGroup], list[LeftOut]]:
    """Group runs that differ only by repetition; of runs with equal settings the newest counts.

    Args:
        runs: finished ones.
        repetition: settings that repeat, such as the seed.

    Raises:
        UserError: no run has a setting of that name.
    """
    settings = [settings_of(run.config) for run in runs]
    if unknown := [key for key in repetition if key not in REPETITION and not any(key in each for each in settings)]:
        raise UserError(f"repetition: no run has a setting called {', '.join(unknown)}.")
    if all(run.data and run.data == runs[0].data for run in runs):
        for each in settings:
            each.pop(DATA, None)  # one corpus in two places
    keys = find_varying(settings, repetition)
    groups: dict[tuple[Any, ...], dict[tuple[Any, ...], tuple[FinishedRun, Settings]]] = {}
    left_out = []
    for run, each in zip(runs, settings, strict=True):
        group = groups.setdefault(tuple(each.get(key) for key in keys), {})
        repeat = tuple(each.get(key) for key in repetition)
        if repeat in group:
            older, newer = sorted((group[repeat][0], run), key=lambda run: run.written)
            left_out.append(LeftOut(older.name, f"the same configuration and seed as {newer.name}, which is newer"))
            run = newer
        group[repeat] = (run, each)
    found = []
    for group in groups.values():
        members = [group[repeat] for repeat in sorted(group, key=_order)]
        found.append(RunGroup(members[0][1], tuple(run for run, _ in members)))
    return found, left_out


def _order(values: tuple[Any, ...]) -> list[tuple[str, Any]]:
    return [(type(value).__name__, value if value is not None else 0) for value in values]


def with_predictions(group: RunGroup, judged: JudgedRuns, repetition: Sequence[str]) -> RunGroup:
    """Add the replicates to a group: those on the sentences that most of its runs were evaluated on."""
    parts: dict[str, list[Replicate]] = {}
    for replicate in replicates(group.runs, judged, repetition):
        parts.setdefault(replicate.counted.sentences, []).append(replicate)
    if not parts:
        return group
    most = max(parts.values(), key=len)
    others = sum(len(replicate.runs) for part in parts.values() if part is not most for replicate in part)
    return RunGroup(group.settings, group.runs, tuple(most), others)


def sections_of(groups: Sequence[RunGroup]) -> list[list[RunGroup]]:
    """Group those evaluated on the same sentences, in order of appearance; those without predictions go by data."""
    known = {g.settings.get(DATA): g.replicates[0].counted.sentences for g in reversed(groups) if g.replicates}
    found: dict[Hashable, list[RunGroup]] = {}
    for group in groups:
        data = group.settings.get(DATA)
        key = group.replicates[0].counted.sentences if group.replicates else known.get(data, ("data", data))
        found.setdefault(key, []).append(group)
    return list(found.values())


def name_sections(sections: Sequence[Sequence[RunGroup]]) -> list[str]:
    """Name each section after its data, numbered if several have the same; a single one has no name."""
    if len(sections) < 2:
        return [""] * len(sections)
    names = []
    for section in sections:
        data = {value_text(group.settings.get(DATA)) for group in section}
        names.append(data.pop() if len(data) == 1 else ABSENT)
    names = ["test set" if name == ABSENT else name for name in names]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]


def name_groups(groups: Sequence[RunGroup], repetition: Sequence[str]) -> tuple[list[Configuration], Varied]:
    """Turn groups into configurations with distinct names, and return the settings in which they differ."""
    every = [group.settings for group in groups]
    keys = find_varying(every, repetition)
    also = {key: values for key, values in find_differences(every, repetition).items() if key not in keys}
    chosen = [{key: group.settings.get(key) for key in keys} for group in groups]
    names = _apart(names_of(chosen, [group.runs[0].experiment for group in groups]))
    return [
        Configuration(name, settings, group.runs, group.replicates)
        for name, settings, group in zip(names, chosen, groups, strict=True)
    ], Varied(keys, also)


def _apart(names: Sequence[str]) -> list[str]:
    """Add numbers to names that are alike (two values may look the same in short)."""
    seen: dict[str, int] = {}
    apart = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        apart.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return apart
