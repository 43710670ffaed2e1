"""Make the text of `--help` from the keys that a command declares and the first comments of YAML files."""

from __future__ import annotations

import re
import textwrap
from argparse import Namespace
from pathlib import Path
from typing import Any

from omegaconf import ListConfig, OmegaConf

from ner_lightning.command_line.compose import hydra_session
from ner_lightning.command_line.keys import MISSING, Key, keys_of
from ner_lightning.command_line.vocabulary import OVERLAYS, Vocabulary
from ner_lightning.errors import UserError


def help_text(command: str, arguments: Namespace, width: int | None = None) -> str:
    """Say what a command does, its keys, its groups and their options.

    Args:
        command: whose keys they are.
        arguments: the command line: the user's own folder, and the choices to mark.
        width: characters of a line; None: as many as it takes.

    Raises:
        UserError: the folder or the root YAML is missing.
    """
    name = arguments.config_name or command
    with hydra_session(command, arguments.config_dir) as hydra:
        words = Vocabulary(hydra, name, arguments.overrides, command)
        sources = [
            Path(source.path) for source in hydra.config_loader.get_sources() if source.scheme() in ("file", "checked")
        ]
        root = _find(sources, name)
        if root is None:
            raise UserError(f"There is no configuration {name}.yaml; leave --config-name out.")
        keys = [*_declared(words), *_nodes(root, words)]
        groups = [_group(group, words, sources) for group in words.groups if _belongs(group, words)]
        choices = ["Groups (GROUP=OPTION; now chosen: *)", *groups, ""] if groups else []
        text = "\n".join([_comment(root), "", "Keys (KEY=VALUE)", *keys, "", *choices, *_footer(words), ""])
    return text if width is None else "\n".join(_folded(line, width) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    """Fold a line, the further ones set in as far as its last column; a command stays in one piece, to be copied."""
    if len(line) < width or "python -m" in line:
        return line
    column = re.match(r" *(.*?\S {2,}|)", line)
    inset = min(len(column[0]) if column else 0, width // 2)
    return "\n".join(textwrap.wrap(line, width - 1, subsequent_indent=" " * inset, break_long_words=False)) or line


def _declared(words: Vocabulary) -> list[str]:
    """List the keys that a command declares: present value, meaning, and the range of a number."""
    rows = []
    for key in keys_of(words.command).values():
        value = OmegaConf.select(words.config, key.name, default=key.default, throw_on_missing=False)
        range_of_it = key.parameter.expected()
        about = f"{key.use.meaning} [{range_of_it}]" if "number" in range_of_it else key.use.meaning
        rows.append((f"{key.name}={_shown(MISSING if value is None and key.default == MISSING else value)}", about))
    width = max((len(row) for row, _ in rows), default=0)
    return [f"  {row:{width}}  {about}" for row, about in rows]


def _shown(value: Any) -> str:
    """Write a value as it is typed."""
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return f"[{','.join(map(_shown, value))}]" if isinstance(value, list | ListConfig) else str(value)


def _nodes(root: Path, words: Vocabulary) -> list[str]:
    """Copy the nodes of a root YAML that classes declare, and the keys of a YAML of the user's own."""
    declared = {name.partition(".")[0] for name in keys_of(words.command)}
    body = root.read_text(encoding="utf-8").partition("- _self_\n")[2]
    blocks = [block for block in re.split(r"^(?=\w)", body, flags=re.MULTILINE) if block.strip()]
    return [f"  {line}" for b in blocks if b.partition(":")[0] not in declared for line in b.rstrip().splitlines()]


def _footer(words: Vocabulary) -> list[str]:
    """Explain how values are given, by examples that the command accepts."""
    taken = words.chosen
    keys = keys_of(words.command).values()
    lines = [_of_words(key) for key in keys if key.use.words]
    lines += [f"{key.use.flag}{_argument(key)} is another way to write {_example(key)}" for key in keys if key.use.flag]
    example = "optim.encoder_lr=3e-5" if "optim" in taken else _plain_key(words)
    lines.append(f"KEY=VALUE changes any key: {example}")
    if "trainer" in taken:
        adds = "+trainer.limit_test_batches=10"
        lines.append(f"+KEY=VALUE adds an argument that the configuration does not list: {adds}")
    if "optim" in taken:
        lines.append("-m runs over values: -m seed=1,2,3")
    group = next((group for group in ("optim", "trainer", "data") if group in taken), None)
    part = f", --cfg job --package {group} a part of it" if group else ""
    lines.append(f"--cfg job shows the whole configuration{part}; nothing is run.")
    if "data" in taken:
        experiment = ", FOLDER/experiment/mine.yaml +experiment=mine" if "model" in taken else ""
        lines.append(f"--config-dir FOLDER adds your files: FOLDER/data/mine.yaml is data=mine{experiment}.")
    return [*lines, "--hydra-help lists the other flags."]


def _of_words(key: Key) -> str:
    if isinstance(key.default, list):
        return f"Words without = are {key.use.words}: another way to write {key.name}=[…]"
    return f"A word without = is {key.use.words}: another way to write {_example(key)}"


def _argument(key: Key) -> str:
    return "" if isinstance(key.default, bool) else " VALUE"


def _example(key: Key) -> str:
    return f"{key.name}={'true' if isinstance(key.default, bool) else 'VALUE'}"


def _plain_key(words: Vocabulary) -> str:
    """Choose one of the command's own keys, with a value that it accepts."""
    if OmegaConf.select(words.config, "data") is not None:
        return "data.limit=100"
    values = ((str(key), value) for key, value in words.config.items_ex(resolve=False))
    whole = (f"{key}={_shown(value)}" for key, value in values if isinstance(value, bool | int))
    return next(whole, "output=FOLDER")


def _belongs(group: str, words: Vocabulary) -> bool:
    return group in words.chosen or (group in OVERLAYS and "model" in words.chosen)


def _group(group: str, words: Vocabulary, sources: list[Path]) -> str:
    chosen = str(words.config.hydra.runtime.choices.get(group))
    options = words.options(group)
    width = max(map(len, options), default=0)
    lines = [f"  {group}" if group in words.chosen else f"  +{group}"]
    for option in options:
        file = _find(sources, f"{group}/{option}")
        about = _comment(file).partition("\n")[0] if file else ""
        mark = "*" if option in chosen.strip("[]").split(", ") else " "
        lines.append(f"   {mark} {option:{width}}  {about}".rstrip())
    return "\n".join(lines)


def _find(sources: list[Path], name: str) -> Path | None:
    files = (source / f"{name}.yaml" for source in sources)
    return next((file for file in files if file.is_file()), None)


def _comment(file: Path) -> str:
    """Read the comment at the beginning of a file, without its signs and Hydra's package line."""
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)
