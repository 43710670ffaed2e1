from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.config.signatures import Parameter, Signature, signature
from ner_lightning.config.source import definition, is_defined

SOURCE = """
    from dataclasses import dataclass
    from pathlib import Path
    from typing import Any, Literal, Optional, Sequence, Union

    from .kinds import Kind
    from . import kinds

    Mode = Literal["min", "max"]

    class Model:
        def __init__(self, size: int, rate: float = 0.1, *, name: str | None = None, mode: Mode = "max",
                     kind: Kind = "a", flag: "bool | Literal['auto']" = True, folder: Path = Path(),
                     sizes: list[int] = (), names: Optional[Sequence[str]] = None, table: dict[str, int] = {},
                     other: Any = None, part: "Part" = None, bare=None, far: Union[int, kinds.Thing] = 1) -> None: ...

    class Part(Model): ...

    @dataclass
    class Record:
        size: int
        rate: float = 0.1

    def make(size: int, **rest: object): ...

    value = 3
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A package that would fail to import, which shows that it is only read."""
    folder = tmp_path_factory.mktemp("site") / "unimportable"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .models import Model as Exported\nraise ImportError\n")
    (folder / "models.py").write_text(textwrap.dedent(SOURCE))
    (folder / "kinds.py").write_text('from typing import Literal\nKind = Literal["a", "b"]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder.parent))
        yield "unimportable"


def read(target: str) -> Signature:
    found = signature(target)
    assert found is not None
    return found


def parameter(package: str, name: str) -> Parameter:
    return read(f"{package}.models.Model").parameters[name]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("size", [3, -1], [3.5, "3", None, True, [3]]),
        ("rate", [3, 0.5], ["3", None, False]),
        ("name", ["x", None], [3, True, {}]),
        ("mode", ["min", "max"], ["maximum", None, 3]),
        ("kind", ["a", "b"], ["c"]),
        ("flag", [True, False, "auto"], ["true", 1, None]),
        ("folder", ["a/b"], [3]),
        ("sizes", [[1, 2], []], [1, "1", {}]),
        ("names", [["a"], None], ["a", 3]),
        ("table", [{"a": 1}], [[1], "a"]),
        ("other", [1, "a", None, [], {}], []),
        ("part", [{"size": 1}], ["part", 3]),
        ("bare", [1, "a", None], []),
        ("far", [1, "what cannot be told fits"], []),
    ],
)
def test_values_are_held_against_the_annotation(package: str, name: str, good: list[Any], bad: list[Any]) -> None:
    taken = parameter(package, name)
    assert [value for value in good if not taken.accepts(value)] == []
    assert [value for value in bad if taken.accepts(value)] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("size", "a whole number"),
        ("name", "text or null"),
        ("mode", "one of min, max"),
        ("flag", "true or false or auto"),
        ("kind", "one of a, b"),
    ],
)
def test_the_annotation_in_words(package: str, name: str, words: str) -> None:
    assert parameter(package, name).expected() == words


def test_choices_for_a_suggestion(package: str) -> None:
    assert parameter(package, "mode").choices() == ("min", "max")
    assert parameter(package, "size").choices() == ()


def test_what_a_target_takes(package: str) -> None:
    assert list(read(f"{package}.models.Record").parameters) == ["size", "rate"]
    assert [p.required for p in read(f"{package}.models.Record").parameters.values()] == [True, False]
    assert read(f"{package}.models.Part") == read(f"{package}.models.Model")  # inherited
    assert read(f"{package}.Exported") == read(f"{package}.models.Model")  # imported under another name
    assert read(f"{package}.models.make").is_open
    assert not read(f"{package}.models.Model").is_open


@pytest.mark.parametrize("target", ["models.Absent", "absent.Model", "models.value", "models"])
def test_what_the_source_does_not_show(package: str, target: str) -> None:
    assert signature(f"{package}.{target}") is None
    assert signature("no_such_package_at_all.Model") is None


def test_a_definition_is_not_an_import(package: str) -> None:
    assert is_defined(f"{package}.models.Model")
    assert is_defined(f"{package}.models.make")
    assert not is_defined(f"{package}.Exported")
    assert not is_defined(f"{package}.models.Kind")
    assert not is_defined(f"{package}.models.value")
    assert definition(f"{package}.models", "Kind")[1] == f"{package}.kinds"  # type: ignore[index]


def test_imports_in_a_circle_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ring_a.py").write_text("from ring_b import X\n")
    (tmp_path / "ring_b.py").write_text("from ring_a import X\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert definition("ring_a", "X") is None
