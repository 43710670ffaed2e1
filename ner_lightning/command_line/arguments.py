"""The words of a command line: Hydra's flags first, our overrides after them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from ner_lightning.errors import UserError


def parse(argv: list[str]) -> Namespace:
    """Parse a command line with Hydra's own parser, with flags and overrides in any order.

    Args:
        argv: the words after the program's name.

    Raises:
        UserError: a flag is unknown, lacks its value, or is not safe here.

    >>> arguments = parse(["seed=2", "--config-dir", "mine", "data=conll"])
    >>> arguments.config_dir, arguments.overrides
    ('mine', ['seed=2', 'data=conll'])
    """
    parser: ArgumentParser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]  # argparse would print its usage, Hydra's flags and all
    arguments = parser.parse_intermixed_args(argv)
    if arguments.config_path is not None:
        raise UserError(
            "--config-path would replace our whole configuration: write --config-dir FOLDER to add yours to it."
        )
    if arguments.experimental_rerun is not None:
        raise UserError(
            "--experimental-rerun would unpickle a file, which can run anything: run a stored run again with "
            "python -m ner_lightning.reproduce RUN."
        )
    return arguments


def flags_first(argv: list[str], overrides: list[str]) -> list[str]:
    """Reorder the words so that the overrides come last.

    Hydra's parser takes overrides only in one piece, and Lightning appends its own at the end when it starts the
    processes of a ddp run: `seed=2 --config-dir mine hydra.run.dir=…` would then be refused.

    >>> flags_first(["seed=2", "--config-dir", "mine", "data=conll"], ["seed=2", "data=conll"])
    ['--config-dir', 'mine', 'seed=2', 'data=conll']
    """
    flags = list(argv)
    for override in overrides:
        flags.remove(override)
    return flags + overrides


def of_one_run(argv: list[str], overrides: list[str], first: list[str]) -> list[str]:
    """Turn the words of a sweep into those of one of its jobs.

    >>> of_one_run(["-m", "--cfg", "job", "seed=1,2"], ["seed=1,2"], ["seed=1"])
    ['--cfg', 'job', 'seed=1']
    """
    flags = flags_first(argv, overrides)[: len(argv) - len(overrides)]
    return [flag for flag in flags if flag not in ("-m", "--multirun")] + first


def _refuse(message: str) -> NoReturn:
    hint = ": a value is given as key=value without dashes, as in data=conll" if "unrecognized" in message else ""
    raise UserError(f"{message[0].upper()}{message[1:]}{hint}; see --help.")
