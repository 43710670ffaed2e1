"""The keys that each command declares: their types and ranges, defaults and meanings, and what of the disk they name.

`conf/COMMAND.yaml` says the same to its readers, and a test compares the two. What is checked, what `--help` prints and
what an error advises is made from here. Keys of a class stand in its constructor, not here.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Literal

from ner_lightning.config.ranges import Count, Level, Share, Whole
from ner_lightning.config.signatures import Parameter, signature

MISSING = "???"
"""The default of a key that the user must give."""

FOLDER = "with hydra=default a run has a folder, outputs/<name>/<date>_<time>"

Split = Literal["test", "dev"]


@dataclass(frozen=True)
class Use:
    """What a key is for.

    Args:
        meaning: in a few words, as `--help` and the comment in the YAML have them.
        given: how to give it, for the error where it is missing.
        reads: what must be there under its name: `file`, `folder` or `file or folder`; None: it names nothing.
        instead: texts that stand for something else than a name.
        hub: the group whose reader may take a name of the hub for it.
        writes: whether it names a file or folder to be made.
        flag: another way to write it, as options of other programs are written.
        words: what `--help` calls the words without `=` that are values of it; None: it takes none.
        others: whether it takes the words `KEY=VALUE` of all other keys.
    """

    meaning: str
    given: str | None = None
    reads: str | None = None
    instead: tuple[str, ...] = ()
    hub: str | None = None
    writes: bool = False
    flag: str | None = None
    words: str | None = None
    others: bool = False


def key(default: Any, meaning: str, **use: Any) -> Any:
    """Declare a key of a command: its default, its meaning, and what else `Use` takes."""
    return field(default_factory=lambda: copy.copy(default), metadata={"use": Use(meaning, **use)})


@dataclass
class TrainKeys:
    """The keys of `train`."""

    NODES: ClassVar = ("sweep",)  # of a class each, which declares their keys

    name: str = key("crf", "runs go to outputs/<name>/<date>_<time>")
    seed: Whole = key(1, "of all random numbers")
    monitor: str = key("val/f1", "the metric that chooses the best checkpoint; the larger the better")
    ckpt_path: str | None = key(
        None,
        "resume: a checkpoint, a run folder, or `last` for the newest one under outputs/<name>",
        reads="file or folder",
        instead=("last",),
    )
    force: bool = key(
        False, "true: continue from a checkpoint of other data; replace the finished run in hydra.run.dir"
    )
    test: bool = key(True, "test the best weights after the fit")


@dataclass
class EvaluateKeys:
    """The keys of `evaluate`."""

    name: str = key("evaluate", "runs go to outputs/<name>/<date>_<time>")
    ckpt: str = key(
        MISSING,
        "a checkpoint or a run folder",
        given="write ckpt=RUN_FOLDER or ckpt=FILE.ckpt",
        reads="file or folder",
    )
    split: Split = key("test", "test | dev")
    force: bool = key(False, "true: replace the run in hydra.run.dir")


@dataclass
class PredictKeys:
    """The keys of `predict`."""

    name: str = key("predict", FOLDER)
    ckpt: str = key(
        MISSING,
        "a checkpoint or a run folder",
        given="write ckpt=RUN_FOLDER or ckpt=FILE.ckpt",
        reads="file or folder",
    )
    input: str = key(
        MISSING,
        "a file, or - for standard input",
        given="write input=FILE, or input=- for standard input",
        reads="file",
        instead=("-",),
        hub="from",
    )
    output: str = key("-", "a file, or - for standard output", writes=True)
    output_format: Literal["auto", "jsonl", "conll"] = key("auto", "auto (by ending) | jsonl | conll")
    units: Literal["auto", "words", "punctuation", "characters"] = key(
        "auto", "auto (as in training) | words (at spaces) | punctuation (text as people write it) | characters"
    )
    batch_size: Count = key(64, "sentences")
    device: str = key("auto", "auto | cpu | cuda")
    longest_sentence: Count | None = key(
        1_000_000, "at most this many words: a file with a longer sentence is refused; null: any number"
    )
    min_probability: Share = key(0.0, "leave out entities less probable than this")
    force: bool = key(
        False,
        "true: start again even if output.part has the beginning of another output; replace a file of a run",
    )


@dataclass
class InspectKeys:
    """The keys of `inspect`."""

    NODES: ClassVar = ("inspection",)

    name: str = key("inspect", FOLDER)
    output: str | None = key(None, "report as JSON: a file, or - for standard output", writes=True)
    html: str | None = key(None, "report as one HTML page: a file", writes=True)
    force: bool = key(False, "true: replace a file of a run")
    fail_on: Sequence[str] = key(
        [], "exit with code 1 if one of these is beyond its limit: [leakage, conflicts, illegal, …]"
    )


@dataclass
class ConvertKeys:
    """The keys of `convert`."""

    name: str = key("convert", FOLDER)
    input: str = key(
        MISSING,
        "a file, or a folder of brat or Hugging Face",
        given="write input=FILE, or input=- for standard input",
        reads="file",
        instead=("-",),
        hub="from",
    )
    output: str | None = key(None, "a file, or a folder for brat; null: only read and report", writes=True)
    force: bool = key(False, "true: replace what is there")
    longest_sentence: Count | None = key(
        1_000_000, "at most this many words: a file with a longer sentence is refused; null: any number"
    )
    report: str | None = key(None, "the report as JSON: a file, or - for standard output", writes=True)
    problems: str | None = key(
        None, "every single problem as a JSON line: a file, or - for standard output", writes=True
    )


@dataclass
class ReportKeys:
    """The keys `wandb` of `compare`."""

    project: str | None = key(None, "null: that of the runs")
    entity: str | None = key(None, "likewise")
    group: str | None = key(None, "likewise")
    mode: Literal["auto", "online", "offline", "disabled"] = key(
        "auto", "auto (online with a key, else offline) | online | offline | disabled"
    )
    report: bool = key(True, "also make a W&B Report when online (wandb[workspaces])")


@dataclass
class CompareKeys:
    """The keys of `compare`."""

    name: str = key("compare", FOLDER)
    runs: Sequence[str] = key([], "further runs", words="RUNS")
    output: str | None = key(
        None, "a folder; null: a new one below outputs/comparisons; -: only the terminal", writes=True
    )
    force: bool = key(False, "true: replace the comparison in output")
    figures: bool = key(True, "draw pictures (extra `plots`)")
    split: Split = key("test", "test | dev: whose scores and predictions")
    columns: Sequence[str] = key([], "further scores: lenient_f1, precision, recall, f1/PER, …; types: F1 of each type")
    repetition: Sequence[str] = key(
        ["seed", "data.fold"], "settings that repeat a configuration instead of making another"
    )
    pairs: Literal["auto", "all", "best"] = key(
        "auto", "pairs to list: all | best (those with the best) | auto: all for up to 12 configurations"
    )
    baseline: str | int | float | None = key(
        None, "compare the others only with this configuration; corrects for fewer pairs"
    )
    paired_seeds: bool | None = key(
        None, "true | false: compare runs seed by seed | null: if that leaves enough degrees of freedom"
    )
    diff: Sequence[str] = key(
        [], "[BEFORE,AFTER]: configurations to compare sentence by sentence; []: the second best and the best"
    )
    samples: Count = key(10000, "draws of the tests")
    level: Level = key(0.95, "of the intervals; p values are compared with 1 minus it")
    seed: Whole = key(0, "of the draws")
    listed: Whole = key(30, "at most this many sentences of each kind are listed")
    to_wandb: bool = key(False, "log it as a run of job type `comparison`", flag="--to-wandb")
    wandb: ReportKeys = field(default_factory=ReportKeys, metadata={"use": Use("where to")})


@dataclass
class ReproduceKeys:
    """The keys of `reproduce`."""

    run: str = key(
        MISSING,
        "folder of a finished run, also one of a sweep",
        given="write the folder of a finished run",
        reads="folder",
        words="RUN",
    )
    output: str | None = key(
        None, "folder of the new run; null: outputs/reproduced/RUN_DATE", writes=True, flag="--output"
    )
    against: str | None = key(
        None, "compare with this finished run instead of training again", reads="folder", flag="--against"
    )
    given: Sequence[str] = key(
        [], "KEY=VALUE of the run: what is not stored (secrets), or where its data are now", others=True
    )


@dataclass
class SweepStatusKeys:
    """The keys of `sweep_status`."""

    folder: str = key(
        MISSING,
        "folder of the sweep, which has manifest.jsonl",
        given="write the folder of a sweep",
        reads="folder",
        words="FOLDER",
    )
    watch: bool = key(False, "true: keep watching until every job has ended", flag="--watch")
    json: bool = key(False, "true: one JSON line per job instead of the table", flag="--json")


COMMANDS: dict[str, type] = {
    "train": TrainKeys,
    "evaluate": EvaluateKeys,
    "predict": PredictKeys,
    "inspect": InspectKeys,
    "convert": ConvertKeys,
    "compare": CompareKeys,
    "reproduce": ReproduceKeys,
    "sweep_status": SweepStatusKeys,
}


@dataclass(frozen=True)
class Key:
    """A key of a command.

    Args:
        name: with dots.
        default: None stands for null.
        use: what it is for.
        parameter: its type and range.
    """

    name: str
    default: Any
    use: Use
    parameter: Parameter


@cache
def keys_of(command: str) -> dict[str, Key]:
    """Return the keys that a command declares, by name; none for a command that is not ours.

    >>> [*keys_of("evaluate")], keys_of("predict")["batch_size"].parameter.expected()
    (['name', 'ckpt', 'split', 'force'], 'a whole number from 1 on')
    """
    return {found.name: found for found in _keys(COMMANDS[command], "")} if command in COMMANDS else {}


def tops_of(command: str) -> frozenset[str]:
    """Return the keys at the top of a command's configuration that are not groups.

    >>> sorted(tops_of("inspect"))
    ['fail_on', 'force', 'html', 'inspection', 'name', 'output']
    """
    nodes = getattr(COMMANDS.get(command), "NODES", ())
    return frozenset([*nodes, *(name.partition(".")[0] for name in keys_of(command))])


def _keys(declared: type, prefix: str) -> list[Key]:
    taken = signature(f"{__name__}.{declared.__name__}")
    assert taken is not None
    found, defaults = [], declared()
    for one in fields(declared):
        name, default = f"{prefix}{one.name}", getattr(defaults, one.name)
        if is_dataclass(default):
            found += _keys(type(default), f"{name}.")
        else:
            found.append(Key(name, default, one.metadata["use"], taken.parameters[one.name]))
    return found
