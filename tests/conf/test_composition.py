"""Every file under conf/ composes, from every command that has a place for it."""

from __future__ import annotations

import pytest

from ner_lightning.command_line.checks import OF_A_CORPUS
from ner_lightning.command_line.keys import COMMANDS, keys_of
from tests.conf.tree import EXPERIMENTS, FILES, GIVEN, OPTIONS, ROOTS, complete, composed, missing, overrides_for, uses

USES = uses()

# What may stay ???: the user alone knows it, and the door's sentence says how to give it.
DOCUMENTED = {"ckpt", "input", "run", "folder", "data.dir", "data.reader"}


def test_the_tree_was_found() -> None:
    assert set(COMMANDS) == set(ROOTS)
    assert {"crf", "softmax"} <= set(EXPERIMENTS)
    assert len(FILES) == len(ROOTS) + len(OPTIONS) > 30


def test_every_file_is_used_by_a_command() -> None:
    assert sorted({option for _, option in USES}) == OPTIONS


@pytest.mark.parametrize("root", ROOTS)
def test_a_command_resolves(root: str) -> None:
    assert complete(root)


@pytest.mark.parametrize(("root", "option"), USES, ids=lambda value: value.replace("/", "."))
def test_an_option_resolves(root: str, option: str) -> None:
    config = complete(root, *overrides_for(root, option))
    assert "hydra" not in config


@pytest.mark.parametrize(("root", "option"), USES, ids=lambda value: value.replace("/", "."))
def test_an_option_invents_no_key_at_the_top(root: str, option: str) -> None:
    places = {str(group).partition("/")[0] for group in composed(root).hydra.runtime.choices}
    assert set(composed(root, *overrides_for(root, option))) <= {*composed(root), *places}


@pytest.mark.parametrize(("root", "option"), USES, ids=lambda value: value.replace("/", "."))
def test_nothing_is_left_to_the_user_but_what_is_documented(root: str, option: str) -> None:
    assert set(missing(composed(root, *overrides_for(root, option)))) <= DOCUMENTED


def test_what_is_left_to_the_user_has_a_remedy() -> None:
    own = {name for root in ROOTS for name, key in keys_of(root).items() if key.use.given}
    assert own | set(OF_A_CORPUS) == DOCUMENTED == set(GIVEN)


def test_a_base_file_of_corpora_asks_for_the_folder() -> None:
    """The rule above can fail: a root whose value is missing is seen."""
    assert missing(composed("train", "data=conll")) == ["data.dir"]
    assert missing(composed("predict")) == ["ckpt", "input"]
