"""The reference of the configuration is complete and up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tests.conf.tree import FILES, leaves, name_of
from tests.config_reference import PAGE, keys_of, package_of, page


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_value_of_a_file_has_its_line(file: Path) -> None:
    """Against a real parser of YAML: ours reads lines, for the sake of their comments."""
    lines = file.read_text(encoding="utf-8").splitlines()
    content = OmegaConf.to_container(OmegaConf.load(file))
    assert isinstance(content, dict)
    content.pop("defaults", None)
    expected = [".".join([*package_of(name_of(file), lines), key]) for key, _ in leaves(content)]
    assert [key.path for key in keys_of(name_of(file), lines)] == expected


def test_comments_and_values_are_told_apart() -> None:
    found = list(keys_of("optim/x", ["a: ???            # needed", 'b: "#"', "c:", "  d: null"]))
    assert [tuple(key) for key in found] == [
        ("optim.a", "???", "needed"),
        ("optim.b", '"#"', ""),
        ("optim.c.d", "null", ""),
    ]


def test_a_form_the_page_would_lose_is_refused() -> None:
    with pytest.raises(ValueError, match="would be missing"):
        list(keys_of("optim/x", ["? a", ": b"]))


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "conf/ has changed: run `make docs` and commit the page"
