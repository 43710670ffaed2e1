"""One row a configuration: scores with their spread and interval, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from ner_lightning.analysis.significance import mean_interval
from ner_lightning.comparison.configurations import Configuration
from ner_lightning.comparison.run import Run
from ner_lightning.comparison.settings import Settings
from ner_lightning.metric_keys import read_key

Mark = Literal["best", "tie", "untested", ""]
F1 = "f1"
TYPES = "types"


class Score(NamedTuple):
    """A score over runs, in fractions of 1; `sd` is None for a single run."""

    mean: float
    sd: float | None


@dataclass(frozen=True)
class Row:
    """What is said of a configuration; None where no run says it.

    Attributes:
        name: of the configuration.
        n: runs.
        scores: by name, `f1` first.
        interval: of mean F1; over sentences and seeds where there are predictions, else over seeds.
        seconds_per_epoch: mean over runs.
        seconds_sd: standard deviation over runs.
        memory: bytes, the largest of the runs.
        gpu_memory: bytes, likewise.
        trained: parameters.
        parameters: of the model.
        decoder_share: of the time of a training step, mean over runs.
        mark: the best; no difference from the best was shown; without predictions beside others that have them; or
            none of these.
    """

    name: str
    n: int
    scores: dict[str, Score]
    interval: tuple[float, float] | None
    seconds_per_epoch: float | None
    seconds_sd: float | None
    memory: int | None
    gpu_memory: int | None
    trained: int | None
    parameters: int | None
    decoder_share: float | None
    mark: Mark = ""

    @property
    def f1(self) -> float:
        """Mean strict F1; below all others where there is none."""
        return self.scores[F1].mean if F1 in self.scores else -1.0


def row_of(
    configuration: Configuration,
    settings: Settings,
    columns: Sequence[str],
    interval: tuple[float, float] | None,
) -> Row:
    """Sum up the runs of a configuration.

    Args:
        configuration: its runs.
        settings: of the comparison.
        columns: names of the scores.
        interval: of mean F1, where the predictions give one.
    """
    runs = configuration.runs
    scores = {}
    for name in columns:
        values = [run.scores[key] for run in runs if (key := f"{settings.prefix}{name}") in run.scores]
        if values:
            scores[name] = Score(fmean(values), _spread(values))
    if interval is None and F1 in scores:
        values = [run.scores[f"{settings.prefix}{F1}"] for run in runs if f"{settings.prefix}{F1}" in run.scores]
        interval = mean_interval(values, settings.level)
    costs = [run.cost for run in runs]
    seconds = [cost.seconds_per_epoch for cost in costs if cost.seconds_per_epoch is not None]
    return Row(
        configuration.name,
        len(runs),
        scores,
        interval,
        _mean(seconds),
        _spread(seconds),
        _largest([cost.memory for cost in costs]),
        _largest([cost.gpu_memory for cost in costs]),
        _largest([cost.trained for cost in costs]),
        _largest([cost.parameters for cost in costs]),
        _mean([cost.decoder_share for cost in costs]),
    )


def marks_of(best: str, undecided: Sequence[tuple[str, str]]) -> dict[str, Mark]:
    """Mark the best, and what ties with it; nothing of the others.

    Args:
        best: its name.
        undecided: pairs between which no difference was shown.

    >>> marks_of("crf", [("crf", "bert"), ("bert", "softmax")])
    {'bert': 'tie', 'crf': 'best'}
    """
    ties = [name for pair in undecided if best in pair for name in pair if name != best]
    return {**dict.fromkeys(ties, "tie"), best: "best"}


def columns_of(configurations: Sequence[Configuration], settings: Settings) -> list[str]:
    """The scores of the table: strict F1, and those asked for, `types` being the F1 of each type.

    A name that no run knows is kept out; `unknown_columns` lists them.
    """
    known = _known([run for configuration in configurations for run in configuration.runs], settings)
    types = sorted(name for name in known if read_key(name).name == F1 and read_key(name).entity_type)
    wanted = [name for column in settings.columns for name in (types if column == TYPES else [column])]
    return list(dict.fromkeys([F1, *(name for name in wanted if name in known)]))


def unknown_columns(runs: Sequence[Run], settings: Settings) -> list[str]:
    """Columns asked for that no run has a score of."""
    known = _known(runs, settings)
    return [column for column in settings.columns if column != TYPES and column not in known]


def _known(runs: Sequence[Run], settings: Settings) -> set[str]:
    keys = {key for run in runs for key in run.scores}
    return {key.removeprefix(settings.prefix) for key in keys if key.startswith(settings.prefix)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _spread(values: Sequence[float]) -> float | None:
    return stdev(values) if len(values) > 1 else None


def _largest(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
