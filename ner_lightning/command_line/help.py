"""The text of `--help`, made from the YAML files themselves: their first comments and their keys."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ner_lightning.command_line.compose import hydra_session
from ner_lightning.command_line.vocabulary import Vocabulary
from ner_lightning.errors import UserError

# Groups of overlays: files that change values anywhere, for the command that has a model to train.
OVERLAYS = ("experiment", "sweep", "debug")

FOOTER = """\
KEY=VALUE changes any key: optim.encoder_lr=3e-5
+KEY=VALUE adds an argument that the configuration does not list: +trainer.limit_train_batches=10
-m runs over values: -m seed=1,2,3
--cfg job shows the whole configuration, --cfg job --package optim a part of it; nothing is run.
--config-dir FOLDER adds your files: FOLDER/data/mine.yaml is data=mine, FOLDER/experiment/mine.yaml +experiment=mine.
--hydra-help lists the other flags.
"""


def help_text(command: str, arguments: Namespace) -> str:
    """What a command does, its keys, its groups and their options.

    Args:
        command: name of the root YAML.
        arguments: the command line: the user's own folder, and the choices to mark.

    Raises:
        UserError: if the folder or the root YAML is missing.
    """
    name = arguments.config_name or command
    with hydra_session(command, arguments.config_dir) as hydra:
        words = Vocabulary(hydra, name, arguments.overrides)
        sources = [Path(source.path) for source in hydra.config_loader.get_sources() if source.scheme() == "file"]
        root = _find(sources, name)
        if root is None:
            raise UserError(f"There is no configuration {name}.yaml; leave --config-name out.")
        top, keys = _comment(root), _keys(root)
        groups = [_group(group, words, sources) for group in words.groups if _belongs(group, words)]
    return "\n".join([top, "", "Keys", keys, "Groups (GROUP=OPTION; now chosen: *)", *groups, "", FOOTER])


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
    """The comment a file begins with, without its signs and Hydra's package line."""
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)


def _keys(file: Path) -> str:
    """The keys of a root YAML with their comments, as they stand there."""
    body = file.read_text(encoding="utf-8").partition("- _self_\n")[2]
    return "".join(f"  {line}\n" for line in body.strip().splitlines())
