"""Interpolations that multiply are refused before they are resolved."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from ner_lightning.config.interpolations import COMPUTED, LIMIT, _Sizes, check_expansion
from ner_lightning.errors import UserError


@pytest.mark.parametrize(
    "container",
    [
        {"a": "abc", "b": "${a}-${a}", "c": {"d": "${b}", "e": ["x", "${..d}", "${c.d}"]}},
        {"a": [1, None, True, {"b": "x"}], "c": "${a}", "d": ["${c}", "${a[3].b}"]},
    ],
)
def test_the_size_is_no_smaller_than_what_comes_out(container: dict[str, object]) -> None:
    config = OmegaConf.create(container)
    plain = OmegaConf.to_container(config, resolve=False)
    out = OmegaConf.to_container(config, resolve=True)
    assert _Sizes(plain).of((), plain) >= len(str(out).replace("'", "").replace(" ", "")) // 2
    check_expansion(plain)


@pytest.mark.parametrize("join", ["${{{0}}}${{{0}}}", "${{{0}}}, ${{{0}}}, ${{{0}}}"])
def test_doubling(join: str) -> None:
    container = {"x0": "lol"} | {f"x{n}": join.format(f"x{n - 1}") for n in range(1, 60)}
    with pytest.raises(UserError, match=r"x\d+: interpolations that repeat interpolations multiply"):
        check_expansion(container)


def test_doubling_of_containers_and_of_relative_keys() -> None:
    lists = {"x0": ["lol"]} | {f"x{n}": [f"${{x{n - 1}}}", f"${{x{n - 1}}}"] for n in range(1, 60)}
    with pytest.raises(UserError, match="multiply"):
        check_expansion(lists)
    nested = {"n": {"x0": "lol"} | {f"x{n}": f"${{.x{n - 1}}}${{.x{n - 1}}}" for n in range(1, 60)}}
    with pytest.raises(UserError, match=r"n\.x\d+: interpolations"):
        check_expansion(nested)


def test_keys_that_are_computed_are_few() -> None:
    check_expansion({"a": "x", "b": "${a${c}}" * 5})
    with pytest.raises(UserError, match="multiply"):
        check_expansion({"b": "${a${c}}" * (LIMIT // COMPUTED + 1)})


def test_a_circle_is_left_to_omegaconf() -> None:
    check_expansion({"a": "${b}", "b": "${a}", "c": "${c}", "d": "${nowhere}", "e": "${oc.env:HOME}"})
