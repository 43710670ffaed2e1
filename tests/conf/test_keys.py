"""Every key at the top of a command's configuration is read by the program or by another key."""

from __future__ import annotations

import ast
import re

import pytest

from tests.conf.tree import CONF, FILES, ROOTS, composed

PACKAGE = CONF.parent / "ner_lightning"
# The checks of the command line know keys by name without using them.
READERS = [
    *PACKAGE.glob("*.py"),
    *(PACKAGE / "inference").glob("*.py"),
    *(PACKAGE / "training").glob("*.py"),
    *(PACKAGE / "sweep").glob("*.py"),
]


def keys_read() -> set[str]:
    """`cfg.key`, `config["key"]` and `config.get("key")` in commands, in what builds a run and in inference."""
    found = set()
    for file in READERS:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="cfg"), attr=key):
                    found.add(key)
                case ast.Subscript(
                    value=ast.Name(id="cfg" | "config" | "container"), slice=ast.Constant(value=str(key))
                ):
                    found.add(key)
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="cfg" | "config"), attr="get"),
                    args=[ast.Constant(value=str(key)), *_],
                ):
                    found.add(key)
    return found


def keys_interpolated() -> set[str]:
    """`${monitor}` in a YAML file."""
    text = "".join(file.read_text(encoding="utf-8") for file in FILES)
    return {key.partition(".")[0] for key in re.findall(r"\$\{([a-z_.]+)\}", text)}


@pytest.mark.parametrize("root", ROOTS)
def test_every_key_is_read(root: str) -> None:
    declared = {str(key) for key in composed(root)} - {"hydra"}
    assert declared - keys_read() - keys_interpolated() == set()


def test_reading_is_seen() -> None:
    assert {"seed", "data", "model", "optim", "trainer", "callbacks", "logger"} <= keys_read()
    assert "monitor" in keys_interpolated()
    assert "nobody" not in keys_read()
