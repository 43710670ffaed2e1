"""YAML of other people: what multiplies is refused before it is built."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ner_lightning.errors import UserError
from ner_lightning.storage.yaml_files import BYTES, DEPTH, NODES, check_yaml, read_yaml


def laughs(levels: int, join: str = "[{}]") -> str:
    """Aliases of aliases: nine times as many values with each level."""
    lines = ["a0: &a0 {k0: lol}" if join != "[{}]" else "a0: &a0 [lol]"]
    for level in range(1, levels):
        repeated = ", ".join([f"*a{level - 1}"] * 9)
        value = join.format(repeated)
        lines.append(f"a{level}: &a{level} {value}")
    return "\n".join(lines)


@pytest.mark.parametrize("join", ["[{}]", "{{<<: [{}]}}"])
def test_aliases_that_multiply_are_refused_at_their_line(join: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(laughs(40, join))
    with pytest.raises(UserError, match=rf"config\.yaml:\d+: stands for more than {NODES:,} values"):
        read_yaml(file)


def test_what_does_not_multiply_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("a: &a {x: 1, y: [1, 2]}\nb: {<<: *a, y: *a}\nc: [*a, *a]\n")
    assert read_yaml(file) == yaml.safe_load(file.read_text())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [1, *a]", "x:1: the alias .a stands inside of what it repeats"),
        ("[" * (DEPTH + 1) + "]" * (DEPTH + 1), f"nested deeper than {DEPTH}"),
        ("[" * 500, f"nested deeper than {DEPTH}"),
        ("- x\n" * (NODES + 1), "stands for more than"),
    ],
)
def test_other_ways_to_be_endless(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_yaml(text, "x")


def test_the_largest_configuration_that_may_be(tmp_path: Path) -> None:
    check_yaml("- x\n" * (NODES - 1), "x")
    check_yaml("[" * DEPTH + "]" * DEPTH, "x")
    file = tmp_path / "config.yaml"
    file.write_text("#" * (BYTES + 1))
    with pytest.raises(UserError, match=r"expected a configuration, found 4,000,001 bytes"):
        read_yaml(file)
    file.write_text("[" * 100_000)
    with pytest.raises(yaml.YAMLError, match=r"config\.yaml"):
        read_yaml(file)
    file.write_bytes(b"a: \xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_yaml(file)
