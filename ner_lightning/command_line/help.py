"""The text of `--help`, made from the YAML files themselves: their first comments and their keys."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from omegaconf import OmegaConf

from ner_lightning.command_line.compose import hydra_session
from ner_lightning.command_line.vocabulary import OVERLAYS, Vocabulary
from ner_lightning.errors import UserError


def help_text(command: str, arguments: Namespace) -> str:
    """Write what a command does, its keys, its groups and their options.

    Args:
        command: name of the root YAML.
        arguments: the command line: the user's own folder, and the choices to mark.

    Raises:
        UserError: the folder or the root YAML is missing.
    """
    name = arguments.config_name or command
    with hydra_session(command, arguments.config_dir) as hydra:
        words = Vocabulary(hydra, name, arguments.overrides)
        sources = [
            Path(source.path) for source in hydra.config_loader.get_sources() if source.scheme() in ("file", "checked")
        ]
        root = _find(sources, name)
        if root is None:
            raise UserError(f"There is no configuration {name}.yaml; leave --config-name out.")
        top, keys = _comment(root), _keys(root)
        groups = [_group(group, words, sources) for group in words.groups if _belongs(group, words)]
        footer = _footer(words)
    return "\n".join([top, "", "Keys", keys, "Groups (GROUP=OPTION; now chosen: *)", *groups, "", *footer, ""])


def _footer(words: Vocabulary) -> list[str]:
    """Explain how values are given, by examples that the command accepts."""
    taken = words.chosen
    example = "optim.encoder_lr=3e-5" if "optim" in taken else _plain_key(words)
    lines = [f"KEY=VALUE changes any key: {example}"]
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


def _plain_key(words: Vocabulary) -> str:
    """Choose one of the command's own keys, with a value that it accepts."""
    if OmegaConf.select(words.config, "data") is not None:
        return "data.limit=100"
    values = {str(key): value for key, value in words.config.items_ex(resolve=False) if str(key) != "name"}
    whole = (f"{key}={str(value).lower()}" for key, value in values.items() if isinstance(value, bool | int))
    return next(whole, "split=dev")


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


def _keys(file: Path) -> str:
    """Read the keys of a root YAML with their comments, as written there."""
    body = file.read_text(encoding="utf-8").partition("- _self_\n")[2]
    return "".join(f"  {line}\n" for line in body.strip().splitlines())
