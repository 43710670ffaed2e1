"""Turn Hydra's errors into one plain sentence that says what to type."""

from __future__ import annotations

import re
from collections.abc import Callable

from hydra.errors import MissingConfigException, OverrideParseException
from yaml import MarkedYAMLError  # type: ignore[import-untyped]

from ner_lightning.command_line.vocabulary import OVERLAYS, Vocabulary, closest
from ner_lightning.config.catalogue import kind_of
from ner_lightning.config.moved import told_of_gone
from ner_lightning.vendors.hydra import Hydra

LAUNCHERS = ("submitit_slurm", "submitit_local")
"""Options of `hydra/launcher` that plugins provide; ours build on them."""
SEARCHERS = ("optuna", "ax", "nevergrad")
OTHER = {"model/encoder": ", or any other by model.encoder.name={name}"}
"""What may be written instead of one of the files of a group."""


def explain_error(error: Exception, hydra: Hydra, command: str, overrides: list[str]) -> str:
    """Explain in one sentence why a command line could not be composed.

    Args:
        error: Hydra's, OmegaConf's or the YAML parser's.
        hydra: the session it was raised in.
        command: name of the root YAML.
        overrides: the words that were to be composed.
    """
    if isinstance(error, OverrideParseException):
        return syntax(error.override)
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"{error.problem_mark.name}:{error.problem_mark.line + 1}: not valid YAML, {error.problem}."
    words = Words(hydra, command, overrides)
    if isinstance(error, MissingConfigException):
        return words.no_such_option(error)
    message = str(error) or str(error.__cause__)
    for pattern, rule in RULES:
        if match := re.match(pattern, message):
            return rule(words, match[1])
    reason = f" ({_first_line(str(error.__cause__))})" if error.__cause__ and str(error) else ""
    return f"{_first_line(message)}{reason}."


def syntax(override: str) -> str:
    r"""Explain how to correct a word that does not parse as an override at all.

    >>> syntax("seed")
    'seed: a value is given as key=value, as in seed=VALUE.'
    >>> syntax("columns=[recall,f1/人名]")
    'columns=[recall,f1/人名]: the items need quotes of their own: "columns=[recall,\'f1/人名\']".'
    """
    key, equals, value = override.partition("=")
    if not equals:
        return f"{override}: a value is given as key=value, as in {key}=VALUE."
    if not key or key.endswith((" ", ".")):
        return f"{override}: a value is given as key=value, without spaces around the equals sign."
    if any(value.count(left) != value.count(right) for left, right in ("[]", "{}", "()")):
        return f"{override}: the brackets do not match."
    if value.startswith("[") and value.endswith("]") and not set(value) & set("'\"{}()"):
        return f"{override}: the items need quotes of their own: {_quoted_items(key, value[1:-1])}."
    if "'" in value or '"' in value:
        return (
            f"{override}: the quotes do not match; write \"{key}='VALUE'\", double quotes outside, single ones inside."
        )
    return f"{override}: the value needs two pairs of quotes: \"{key}='{value}'\"."


def _quoted_items(key: str, items: str) -> str:
    """Write a list that parses, quoting items only if needed."""
    parts = [item.strip() for item in items.split(",")]
    quoted = [item if re.fullmatch(r"[A-Za-z0-9_./:-]+", item) else f"'{item}'" for item in parts]
    return f'"{key}=[{",".join(quoted)}]"'


RENAMED = {
    "input_format": "from",
    **dict.fromkeys(("sweep.search.workers", "hydra.launcher.n_jobs"), "sweep.workers"),
}
"""New names of renamed keys."""


class Words(Vocabulary):
    """A command line that could not be composed, with the vocabulary of words that could have been written."""

    def __init__(self, hydra: Hydra, command: str, overrides: list[str]) -> None:
        super().__init__(hydra, command, overrides)
        self.overrides = overrides

    def no_such_option(self, error: MissingConfigException) -> str:
        """Explain `data=conl`: the group is known, the option is not."""
        group, name = self._asked_of(error.missing_cfg_file or "")
        if not group:
            return (
                f"There is no configuration {name}.yaml; leave --config-name out, or add its folder with --config-dir."
            )
        if gone := told_of_gone(group, name):
            return gone
        if group == "hydra/launcher" and name in LAUNCHERS:
            return f"{group}={name} needs a plugin of Hydra's: pip install 'ner-lightning[launchers]'."
        if group == "hydra/sweeper" and name in SEARCHERS:
            return f"{group}={name}: a search is ours and no sweeper of Hydra's: write +sweep=optuna_lr."
        options = (
            [str(option) for option in error.options or ()] or (group in self.groups and self.options(group)) or []
        )
        said = [o for o in self.overrides if o.lstrip("+").partition("=")[0] == group and name in o]
        added = " ".join(o for o in self.overrides if o.startswith("+")) or f"{self.command}.yaml"
        asked = said[0] if said else f"{group}={name}, which {added} asks for"
        if not options:
            return f"{asked}: there is no such group; --help shows them."
        plus = "+" if asked.startswith("+") else ""
        match = closest(name, options)
        hint = f", did you mean {plus}{group}={match}? Choose" if match else "; choose"
        other = OTHER.get(group, "").format(name=name)
        return f"{asked}: there is no such {group}{hint} one of {', '.join(options)}{other}."

    @property
    def reachable(self) -> list[str]:
        """Groups that the command takes; overlays need a model to train."""
        overlays = () if "model" in self.chosen else OVERLAYS
        return [group for group in self.groups if group in self.chosen or group not in overlays]

    def _asked_of(self, file: str) -> tuple[str, str]:
        """Find the group and option of a file; an option may contain slashes, as names on the hub do."""
        for group in self.groups:
            if file.startswith(f"{group}/") and f"{group}={file[len(group) + 1 :]}" in self.overrides:
                return group, file[len(group) + 1 :]
        group, _, name = file.rpartition("/")
        return group, name

    def no_such_key(self, key: str) -> str:
        """Explain `optim.encoder_lrr=1`: there is no such key, or it needs a `+`."""
        override = self.said_of(key)
        parent, _, name = key.rpartition(".")
        if key in RENAMED:
            return f"{key}: is called {RENAMED[key]} now; write {RENAMED[key]}={override.partition('=')[2]}."
        taken = self.signature(parent)
        if key in self.groups:
            return f"{key} is not part of {self.command} until added: write +{override}."
        if taken and (name in taken.parameters or taken.is_open):
            return f"{key} is not in the configuration yet: write +{override}."
        if name == "_target_" and kind_of(parent.split(".")) is not None:
            return f"{key} is not in the configuration yet: to add it, write +{override}."
        if options := self.options_with(key):
            chosen, option = self.group_of(key), options[0]
            have = f"{', '.join(options[:4])} {'has' if len(options) == 1 else 'have'} it"
            return f"{key}: the {chosen} that is chosen has no such key, {have}; write {chosen}={option} {override}."
        group = closest(key, self.reachable) if "." not in key else None
        if group and not closest(override.partition("=")[2], self.options(group)):
            group = None
        match = None if "/" in key else self.nearest(key)
        if group and (match is None or group == match):
            plus = "" if group in self.chosen else "+"
            return f"{key}: there is no such group; did you mean {plus}{group}={override.partition('=')[2]}?"
        if match:
            return f"{key}: there is no such key; did you mean {match}?"
        siblings = [k.rpartition(".")[2] for k in self.keys if k.rpartition(".")[0] == parent]
        if parent and siblings:
            return f"{key}: there is no such key; {parent} has {', '.join(siblings)}."
        return f"{key}: there is no such key; --cfg job shows them all."

    def already_there(self, key: str) -> str:
        """Explain `+seed=2`: a plus adds, and there is nothing to add."""
        return f"{key} is in the configuration already: write {self.said_of(key)}, without the plus sign."

    def not_to_delete(self, key: str) -> str:
        """Explain `~sed`: there is nothing of that name."""
        if key in self.keys:  # a group's name too, which Hydra takes it for
            return f"~{key}: {key} cannot be left out; give it another value, as in {key}=null."
        match = self.nearest(key) or closest(key, self.groups)
        return f"~{key}: there is nothing of that name to delete{f'; did you mean ~{match}' if match else ''}."

    def other_value(self, key: str) -> str:
        """Explain `~seed=5` if the seed is 1."""
        return f"~{self.said_of(key)}: {key} has another value; write ~{key} to delete it whatever it is."

    def sweep(self, override: str) -> str:
        """Explain `seed=1,2` without `-m`."""
        key, _, value = override.partition("=")
        as_list = "" if value.endswith(")") else f", or write {key}=[{value}] for one run with a list"
        return f"{override} means several runs: add -m to the command line{as_list}."

    def packaged(self, key: str) -> str:
        """Explain `data@x=conll`: a group in a place where the command has none."""
        return f"{self.said_of(key)}: {key} is no group of this command; write {key.partition('@')[0]}=OPTION."

    def misfit(self, override: str) -> str:
        """Explain `hydra.job.chdir=maybe`: Hydra's own keys have types."""
        return f"{override}: the value does not fit the key; --cfg all shows its present value."

    def no_option(self, _kind: str) -> str:
        """Explain `trainer=3`: a group takes the name of one of its files."""
        for override in self.overrides:
            group, _, value = override.lstrip("+").partition("=")
            if group in self.groups and value not in (options := self.options(group)):
                return f"{override}: {group} takes the name of an option: one of {', '.join(options)}."
        return "A group takes the name of one of its options, as in data=conll."

    def said_of(self, key: str) -> str:
        """Return the word of the command line that sets a key, without its signs."""
        bare = (override.lstrip("+~") for override in self.overrides)
        return next((override for override in bare if override.partition("=")[0] == key), f"{key}=VALUE")


# The messages of Hydra 1.3. Of any other message, the first line is passed on.
RULES: tuple[tuple[str, Callable[[Words, str], str]], ...] = (
    (r"Could not override '([^'@]+)'", Words.no_such_key),
    (r"Could not override '([^']+@[^']*)'", Words.packaged),
    (r"Could not append to config. An item is already at '([^']+)'", Words.already_there),
    (r"Multiple values for ([^ ]+)\. ", Words.already_there),
    (r"force-add of config groups is not supported: '\++([^=]+)=", Words.already_there),
    (r"Could not delete from config\. '([^']+)' does not exist", Words.not_to_delete),
    (r"Could not delete from config\. The value of '([^']+)'", Words.other_value),
    (r"Could not delete '([^']+)'\. No match", Words.not_to_delete),
    (r"Ambiguous value for argument '(.+)'", Words.sweep),
    (r"Sweep parameters '(.+)' requires --multirun", Words.sweep),
    (r"Error merging override (.+)", Words.misfit),
    (r"Config group override must be a string or a list. Got (\w+)", Words.no_option),
)


def _first_line(message: str) -> str:
    return next((line.strip().rstrip(".:") for line in message.splitlines() if line.strip()), "unknown error")
