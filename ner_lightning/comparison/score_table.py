"""One row per configuration: scores with their spread and interval, and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

from ner_lightning.comparison.columns import COSTS, spread
from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.predictions import group_by_repetition
from ner_lightning.comparison.runs.run import FinishedRun
from ner_lightning.comparison.settings import SPLITS, Settings
from ner_lightning.run.metric_keys import read_key
from ner_lightning.statistics.significance import mean_interval

Mark = Literal["best", "tie", "baseline", "untested", ""]
F1 = "f1"
DEV_F1 = f"{SPLITS['dev']}/{F1}"
TYPES = "types"


class MeanScore(NamedTuple):
    """A score over runs, in fractions of 1; `sd` is None for a single run."""

    mean: float
    sd: float | None


@dataclass(frozen=True)
class Row:
    """The figures of a configuration; None where no run has them.

    Attributes:
        name: of the configuration.
        n: number of runs behind F1: those with predictions on the section's sentences, or all if none has any.
        scores: by name, `f1` first. F1 is that of all folds together, as in the tests; mean and standard deviation are
            over seeds. Other scores are means over runs.
        interval: of mean F1; over sentences and seeds if there are predictions, else over seeds.
        costs: by name, those of `columns.COSTS`, and their standard deviations.
        settings: the settings in which it differs from others, by dotted key.
        mark: the best, the baseline, not shown to differ from it, without predictions, or none of these.
        folds: number of folds per seed; 1: none.
        fold_sd: standard deviation of F1 over the folds of a seed, mean over seeds.
        dev: F1 on the development set, if another split is compared.
        dev_choice: whether it has the highest F1 there.
    """

    name: str
    n: int
    scores: dict[str, MeanScore]
    interval: tuple[float, float] | None
    costs: dict[str, float | None]
    settings: Mapping[str, Any]
    mark: Mark = ""
    folds: int = 1
    fold_sd: float | None = None
    dev: MeanScore | None = None
    dev_choice: bool = False

    @property
    def seconds_per_epoch(self) -> float | None:
        """The mean over runs."""
        return self.costs["seconds_per_epoch"]

    @property
    def f1(self) -> float:
        """Mean strict F1; below all others if there is none."""
        return self.scores[F1].mean if F1 in self.scores else -1.0


def summarise_configuration(
    configuration: Configuration,
    settings: Settings,
    columns: Sequence[str],
    interval: tuple[float, float] | None,
) -> Row:
    """Summarise the runs of a configuration.

    Args:
        configuration: its runs.
        settings: of the comparison.
        columns: names of the scores.
        interval: of mean F1, if the predictions give one.
    """
    runs = configuration.runs
    scores = {}
    for name in columns:
        values = [run.scores[key] for run in runs if (key := f"{settings.prefix}{name}") in run.scores]
        if values:
            scores[name] = MeanScore(fmean(values), spread(values))
    folds = _folds(configuration, settings)
    f1 = [replicate.f1 for replicate in configuration.replicates] or [fmean(values) for values in folds if values]
    if f1:
        scores[F1] = MeanScore(fmean(f1), spread(f1))
    if interval is None and f1 and not configuration.replicates:
        interval = mean_interval(f1, settings.level)
    spreads = [stdev(values) for values in folds if len(values) > 1]
    costs = [run.cost for run in runs]
    return Row(
        configuration.name,
        sum(map(len, folds)),
        scores,
        interval,
        {key: value for column in COSTS for key, value in column.make_from(costs).items()},
        configuration.settings,
        folds=max(map(len, folds), default=1),
        fold_sd=fmean(spreads) if spreads else None,
        dev=_dev(configuration, settings),
    )


def _folds(configuration: Configuration, settings: Settings) -> list[list[float]]:
    """Return F1 of the folds of each repetition; of those with predictions, or of all if none has any."""
    key = f"{settings.prefix}{F1}"
    groups: Sequence[Sequence[FinishedRun]] = [replicate.runs for replicate in configuration.replicates]
    groups = groups or [*group_by_repetition(configuration.runs, settings.repetition).values()]
    return [[run.scores[key] for run in group if key in run.scores] for group in groups]


def _dev(configuration: Configuration, settings: Settings) -> MeanScore | None:
    """Compute F1 on the development set: mean over the folds of each repetition, then mean and spread over those."""
    if settings.split == "dev":
        return None
    groups = group_by_repetition(configuration.runs, settings.repetition).values()
    known = [[run.scores[DEV_F1] for run in group if DEV_F1 in run.scores] for group in groups]
    means = [fmean(values) for values in known if values]
    return MeanScore(fmean(means), spread(means)) if means else None


def mark_best(best: str, undecided: Sequence[tuple[str, str]], called: Mark = "best") -> dict[str, Mark]:
    """Mark the best and those that tie with it; leave the others unmarked.

    Args:
        best: name of the best, or of the baseline.
        undecided: pairs between which no difference was shown.
        called: the mark of the best itself.

    >>> mark_best("crf", [("crf", "bert"), ("bert", "softmax")])
    {'bert': 'tie', 'crf': 'best'}
    """
    ties = [name for pair in undecided if best in pair for name in pair if name != best]
    return {**dict.fromkeys(ties, "tie"), best: called}


def score_columns(configurations: Sequence[Configuration], settings: Settings) -> list[str]:
    """List the scores of the table: strict F1, and those asked for; `types` stands for the F1 of each type.

    Names that no run has are left out; `unknown_columns` lists them.
    """
    known = _known([run for configuration in configurations for run in configuration.runs], settings)
    types = sorted(name for name in known if read_key(name).name == F1 and read_key(name).entity_type)
    wanted = [name for column in settings.columns for name in (types if column == TYPES else [column])]
    return list(dict.fromkeys([F1, *(name for name in wanted if name in known)]))


def unknown_columns(runs: Sequence[FinishedRun], settings: Settings) -> list[str]:
    """List the requested columns that no run has a score for."""
    known = _known(runs, settings)
    return [column for column in settings.columns if column != TYPES and column not in known]


def _known(runs: Sequence[FinishedRun], settings: Settings) -> set[str]:
    keys = {key for run in runs for key in run.scores}
    return {key.removeprefix(settings.prefix) for key in keys if key.startswith(settings.prefix)}
