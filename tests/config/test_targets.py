"""What a configuration may name, and where: refused before anything is imported."""

from __future__ import annotations

import ast
import functools
import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.config import own, targets
from ner_lightning.config.catalogue import KINDS, PLACES, kind_of
from ner_lightning.config.targets import ALLOW, check_targets, located
from ner_lightning.errors import UserError
from tests.conf.tree import CONF

PACKAGE = CONF.parent / "ner_lightning"

# One concrete place for each pattern of the catalogue, and places where nothing is built.
LISTED = tuple(pattern.replace("*", "mine") for pattern in PLACES)
UNLISTED = (
    "",
    "name",
    "paths",
    "paths.outputs",
    "data.dir",
    "data.splits",
    "optim.betas",
    "model.pooling",
    "callbacks",
)
UNLISTED += ("callbacks.mine.deeper", "hydra", "hydra.job", "hydra.run.dir", "trainer.callbacks.0", "data.reader.x")


def nested(place: str, node: Any) -> Any:
    for key in reversed(place.split(".") if place else []):
        node = {key: node}
    return node


@functools.cache
def everything_written() -> frozenset[str]:
    """Every class and function of the package by its full name, those inside of classes too."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found |= {*_written(ast.parse(file.read_text(encoding="utf-8")), module)}
    return frozenset(found)


def _written(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}.{child.name}"
            if isinstance(child, ast.ClassDef):
                yield from _written(child, f"{prefix}.{child.name}")


@pytest.fixture
def nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *_: object) -> None:
        raise AssertionError(f"{name} was imported")

    monkeypatch.setattr(targets.importlib, "import_module", refuse)


@pytest.mark.usefixtures("nothing_is_imported")
@pytest.mark.parametrize("place", [*LISTED, *UNLISTED])
def test_of_the_whole_package_a_place_takes_what_is_listed_for_it(place: str) -> None:
    written = everything_written()
    assert len(written) > 1500
    keys = place.split(".") if place else []
    listed = set(KINDS.get(kind_of(keys) or "", ()))
    taken = set()
    for target in sorted(written | {name for names in KINDS.values() for name in names}):
        try:
            check_targets(nested(place, {"_target_": target}))
        except UserError:
            continue
        taken.add(target)
    assert taken == listed


def test_what_is_listed_exists() -> None:
    seen = 0
    for kind, names in KINDS.items():
        for name in names:
            if name.startswith(("ner_lightning.", "pytorch_lightning.")):
                module, _, attribute = name.rpartition(".")
                found = getattr(importlib.import_module(module), attribute)
                assert isinstance(found, type) or name.endswith(".wandb_logger"), f"{kind}: {name}"
                seen += 1
    assert seen > 50


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "torch.load",
        "hydra.utils.call",
        # the long way round to the same functions
        "ner_lightning.command_line.door.sys.exit",
        "ner_lightning.command_line.source.Path",
        "ner_lightning.data.subprocess.Popen",
        "ner_lightning.model.decoder.crf.CRF.load_state_dict",
        "pytorch_lightning.callbacks.timer.timedelta",
        "pytorch_lightning.callbacks.LambdaCallback",
        "pytorch_lightning.strategies.launchers.subprocess_script.subprocess.Popen",
        "pytorch_lightning.Trainer.fit",
        "ner_lightning",
        "",
    ],
)
@pytest.mark.parametrize("place", LISTED)
def test_nothing_of_others_is_taken(place: str, target: str) -> None:
    with pytest.raises(UserError, match=rf"^{place}\._target_: "):
        check_targets(nested(place, {"_target_": target}))


def test_a_target_is_found_inside_the_arguments_of_another() -> None:
    inner = {"_target_": "os.system", "command": "ls"}
    with pytest.raises(UserError, match=r"trainer\.callbacks\.1\.x\._target_: os\.system is not allowed"):
        check_targets({"trainer": {"_target_": "pytorch_lightning.Trainer", "callbacks": [1, {"x": inner}]}})


@pytest.mark.parametrize("target", [3, None, ["os.system"], {"_target_": "os.system"}])
def test_a_target_that_is_no_text(target: object) -> None:
    with pytest.raises(UserError, match=r"^data\._target_: expected the dotted name of a class, received"):
        check_targets({"data": {"_target_": target}})


@pytest.mark.parametrize("key", ["_args_", "_partial_", "_recursive_", "_convert_", "__class__", 3])
def test_the_words_of_hydras_own_builder_are_refused(key: object) -> None:
    with pytest.raises(UserError, match=rf"^optim\.{key}: no argument has this name"):
        check_targets({"optim": {"_target_": "ner_lightning.optim.adamw.AdamW", key: []}})


def test_what_is_said_to_whom() -> None:
    def said(place: str, target: str) -> str:
        with pytest.raises(UserError) as error:
            check_targets(nested(place, {"_target_": target}))
        return str(error.value)

    assert "if it is yours, set NER_LIGHTNING_ALLOW_TARGETS=mine. in the environment" in said("data.reader", "mine.R")
    assert "set NER" not in said("data.reader", "subprocess.Popen")
    assert "is not built here; choose ner_lightning.model.decoder.crf.CRF or" in said(
        "model.decoder", "ner_lightning.model.encoder.Encoder"
    )
    assert "does not exist" in said("model.decoder", "ner_lightning.model.decoder.crf.CFR")
    assert "nothing is built at this place" in said("optim.betas", "ner_lightning.model.decoder.crf.CRF")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of the user's own: a class, a function, and what it imports."""
    (tmp_path / "my_own_package").mkdir()
    (tmp_path / "my_own_package" / "__init__.py").write_text("from my_own_package.inner import Again\n")
    (tmp_path / "my_own_package" / "inner.py").write_text(
        "from subprocess import Popen\nimport subprocess\n\n\n"
        "class Reader:\n    def read(self, path, report):\n        yield\n\n\nclass Again(Reader):\n    pass\n\n\n"
        "def make_reader():\n    return Reader()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "my_own_package"
    for name in [name for name in sys.modules if name.startswith("my_own_package")]:
        del sys.modules[name]


def taken(target: str, place: str = "data.reader") -> bool:
    try:
        check_targets(nested(place, {"_target_": target}))
        located(target, place.split("."))
    except UserError:
        return False
    return True


def test_the_users_own_classes_are_let_in_by_a_prefix(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not taken(f"{package}.inner.Reader")
    monkeypatch.setenv(ALLOW, f"other., {package}.,")
    assert taken(f"{package}.inner.Reader")
    assert taken(f"{package}.Again")  # imported where it is named, but written below the prefix
    assert taken(f"{package}.inner.Reader", "callbacks.mine")
    assert not taken(f"{package}_of_somebody_else.Reader")
    assert not taken(f"{package}.inner.Reader", "optim.betas")  # nothing is built there


@pytest.mark.parametrize("name", ["inner.make_reader", "inner.Popen", "inner.subprocess.Popen", "inner.Nothing"])
def test_a_prefix_is_for_classes_written_below_it(package: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOW, f"{package}.")
    assert not taken(f"{package}.{name}")


def test_what_no_source_shows_is_judged_when_it_is_there(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOW, f"{package}.")
    monkeypatch.setattr(own, "parsed", lambda _: None)
    assert taken(f"{package}.inner.Reader")
    assert not taken(f"{package}.inner.make_reader")
    assert not taken(f"{package}.inner.Popen")


def test_a_function_is_let_in_by_its_full_name(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOW, f"{package}.inner.make_reader")
    assert taken(f"{package}.inner.make_reader")
    assert not taken(f"{package}.inner.Reader")
    monkeypatch.setenv(ALLOW, package)
    assert not taken(f"{package}.inner.Reader")  # a prefix ends in a dot
    monkeypatch.setenv(ALLOW, ".")
    assert not taken("os.system")


def test_an_installed_package_lets_its_classes_in(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = (
        EntryPoint("reader.slash", f"{package}.inner:Reader", own.GROUP),
        EntryPoint("callbacks.mine", f"{package}.inner:make_reader", own.GROUP),
    )
    monkeypatch.setattr(own, "entry_points", lambda group: entries if group == own.GROUP else ())
    own._entry_points.cache_clear()
    try:
        assert taken(f"{package}.inner.Reader")
        assert taken(f"{package}.inner.Reader", "from")
        assert not taken(f"{package}.inner.Reader", "callbacks.x")
        assert not taken(f"{package}.inner.make_reader")
        assert taken(f"{package}.inner.make_reader", "callbacks.x")
        assert not taken(f"{package}.inner.Again")
        with pytest.raises(UserError) as error:
            check_targets(nested("task.metrics.x", {"_target_": f"{package}.inner.Reader"}))
        assert "is not allowed as metric, only as reader; name a metric here, or" in str(error.value)
        assert ALLOW not in str(error.value)
    finally:
        own._entry_points.cache_clear()


def test_a_node_of_the_users_own_may_hold_others(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOW, f"{package}.")
    inner = {"_target_": f"{package}.inner.Reader"}
    check_targets({"callbacks": {"mine": {"_target_": f"{package}.Again", "part": [inner]}}})
    with pytest.raises(UserError, match=r"callbacks\.mine\.part\._target_: os\.system"):
        check_targets({"callbacks": {"mine": {"_target_": f"{package}.Again", "part": {"_target_": "os.system"}}}})
    with pytest.raises(UserError, match=r"trainer\.part\._target_: .* nothing is built at this place"):
        check_targets({"trainer": {"_target_": "pytorch_lightning.Trainer", "part": inner}})
    with pytest.raises(UserError, match="cannot be imported"):
        located(f"{package}.nowhere.Reader", ["data", "reader"])


@pytest.mark.parametrize("target", ["mine.metric:Clean", "ner_lightning.model.decoder.crf:CRF"])
def test_a_colon_of_an_entry_point_is_to_be_a_dot(target: str) -> None:
    with pytest.raises(UserError) as error:
        check_targets(nested("task.metrics.x", {"_target_": target}))
    dotted = target.replace(":", ".")
    assert str(error.value) == (
        f"task.metrics.x._target_: {target} is not allowed: a _target_ is written with a dot, {dotted}."
    )


def test_the_group_of_entry_points_is_what_installed_packages_name() -> None:
    assert own.GROUP == "ner_lightning.targets"
