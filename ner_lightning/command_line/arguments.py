"""The words of a command line: Hydra's flags first, our overrides after them.

Words without `=` and flags of ours are other ways to write KEY=VALUE, where a key of the command says so; they are
rewritten here, so that everything else knows one way.
"""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from ner_lightning.command_line.keys import Key, keys_of
from ner_lightning.errors import UserError
from ner_lightning.vendors.hydra import get_args_parser

# Words that Hydra reads: key=value, +key=value, ~key.
_OVERRIDE = re.compile(r"~|\+{0,2}[A-Za-z_][\w.@/]*=")


def parse(argv: Sequence[str], command: str = "") -> Namespace:
    """Parse a command line with Hydra's own parser, flags and overrides in any order.

    Args:
        argv: the words after the program's name.
        command: whose keys take words without `=`, or have flags; "": none do.

    Returns:
        Hydra's flags and the `overrides`; `argv` is the same command line as Hydra itself would take it.

    Raises:
        UserError: a flag is unknown, lacks its value, or is not safe here.

    >>> arguments = parse(["seed=2", "--config-dir", "mine", "data=conll"])
    >>> arguments.config_dir, arguments.overrides
    ('mine', ['seed=2', 'data=conll'])
    >>> parse(["outputs/sweeps/lr", "--watch"], "sweep_status").overrides
    ["folder='outputs/sweeps/lr'", 'watch=true']
    """
    keys = keys_of(command)
    of_flags, rest = _our_flags(argv, keys.values())
    parser: ArgumentParser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]  # argparse would print its usage, Hydra's flags and all
    arguments = parser.parse_intermixed_args(rest)
    if arguments.config_path is not None:
        raise UserError(
            "--config-path would replace our whole configuration: write --config-dir FOLDER to add yours to it."
        )
    if arguments.experimental_rerun is not None:
        raise UserError(
            "--experimental-rerun would unpickle a file, which can run anything: run a stored run again with "
            "python -m ner_lightning.reproduce RUN."
        )
    typed = arguments.overrides
    arguments.overrides = [*_key_and_value(typed, keys), *of_flags]
    arguments.argv = [*_without(rest, typed), *arguments.overrides]
    return arguments


def quoted(text: str) -> str:
    r"""Quote a text as one value of Hydra's override grammar, in which nothing is an interpolation.

    >>> print(quoted("a,b='c'"), quoted("C:\\x\\"), quoted("${HOME}"))
    'a,b=\'c\'' 'C:\x\\' '\${HOME}'
    """
    text = re.sub(r"(\\*)\$\{", lambda found: 2 * found[1] + "\\${", text)
    return "'" + re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + ("\\'" if found[2] else ""), text) + "'"


def _without(argv: Iterable[str], overrides: Iterable[str]) -> list[str]:
    """Return the flags of a command line.

    Hydra's parser takes overrides only in one piece, and Lightning appends its own at the end when it starts the
    processes of a ddp run: `seed=2 --config-dir mine hydra.run.dir=…` would then be refused. So flags come first.

    >>> _without(["seed=2", "--config-dir", "mine", "data=conll"], ["seed=2", "data=conll"])
    ['--config-dir', 'mine']
    """
    flags = list(argv)
    for override in overrides:
        flags.remove(override)
    return flags


def _our_flags(argv: Sequence[str], keys: Iterable[Key]) -> tuple[list[str], list[str]]:
    """Split off the flags of a command's keys, as overrides, from the other words."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.error = _refuse  # type: ignore[method-assign]
    for key in keys:
        if key.use.flag and isinstance(key.default, bool):
            parser.add_argument(key.use.flag, dest=key.name, action="store_const", const="true")
        elif key.use.flag:
            parser.add_argument(key.use.flag, dest=key.name, type=quoted)
    found, rest = parser.parse_known_args(argv)
    return [f"{name}={value}" for name, value in vars(found).items() if value is not None], rest


def _key_and_value(typed: Sequence[str], keys: Mapping[str, Key]) -> list[str]:
    """Turn the words of a command line into overrides."""
    of_words = next((key for key in keys.values() if key.use.words), None)
    of_others = next((key for key in keys.values() if key.use.others), None)
    own, bare, others = [], [], []
    for word in typed:
        if of_words and (not _OVERRIDE.match(word) or os.path.exists(word)):  # noqa: PTH110  # a name may be too long
            bare.append(word)
        elif of_others and not _is_of(word, keys):
            others.append(word)
        else:
            own.append(word)
    if of_words and bare:
        own = _given(own, of_words, bare)
    if of_others and others:
        own = _given(own, of_others, others)
    return own


def _given(overrides: list[str], key: Key, words: Sequence[str]) -> list[str]:
    """Add words to the overrides as the value, or as further values, of a key."""
    texts = [quoted(word) for word in words]
    others = [word for word in overrides if not word.startswith(f"{key.name}=")]
    said = [word.partition("=")[2].strip() for word in overrides if word.startswith(f"{key.name}=")]
    if isinstance(key.default, list):
        if said and said[-1].startswith("[") and said[-1].endswith("]"):
            texts = [*filter(None, [said[-1][1:-1].strip()]), *texts]
        return [*others, f"{key.name}=[{','.join(texts)}]"]
    if len(words) > 1 or said:
        raise UserError(
            f"{' '.join([*words, *(f'{key.name}={value}' for value in said)])}: expected one {key.use.words}."
        )
    return [*others, f"{key.name}={texts[0]}"]


def _is_of(word: str, keys: Mapping[str, Key]) -> bool:
    """Return whether an override is of a command's own keys, or of Hydra's."""
    return re.split("[.=@/]", word.lstrip("+~"), maxsplit=1)[0] in {"hydra", *(name.partition(".")[0] for name in keys)}


def _refuse(message: str) -> NoReturn:
    hint = ": a value is given as key=value without dashes, as in data=conll" if "unrecognized" in message else ""
    raise UserError(f"{message[0].upper()}{message[1:]}{hint}; see --help.")
