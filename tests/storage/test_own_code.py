"""Which files decide what a reader of the user's own does."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.storage.fingerprint import fingerprint_reader
from ner_lightning.storage.own_code import own_code

FILES = {
    "mine/__init__.py": "",
    "mine/readers.py": "import json\nimport numpy.linalg\nfrom .rules import clean\nimport beside\n"
    "from ner_lightning.data.readers.conll import ConllReader\n"
    "class Reader(ConllReader):\n    def read(self, path, report):\n"
    "        from mine import late\n        yield late\n",
    "mine/rules.py": "from . import deep\ndef clean(x): return deep.x\n",
    "mine/deep.py": "x = 1\n",
    "mine/late.py": "",
    "mine/unused.py": "",
    "beside.py": "y = 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mine", "beside")]:
        del sys.modules[name]


def reader() -> ConllReader:
    return importlib.import_module("mine.readers").Reader()


def test_the_module_and_what_it_imports_that_is_not_installed(package: Path) -> None:
    found = own_code(type(reader()))
    assert found is not None
    assert set(found) == {"mine", "mine.readers", "mine.rules", "mine.deep", "mine.late", "beside"}


@pytest.mark.parametrize("name", ["mine/readers.py", "mine/rules.py", "mine/deep.py", "mine/late.py", "beside.py"])
def test_a_change_to_any_of_them_is_another_reader(package: Path, name: str) -> None:
    before = fingerprint_reader(reader())
    assert before is not None
    (package / name).write_text(FILES[name] + "# changed\n")
    assert fingerprint_reader(reader()) != before


def test_a_change_elsewhere_is_none(package: Path) -> None:
    before = fingerprint_reader(reader())
    (package / "mine/unused.py").write_text("z = 2\n")
    assert fingerprint_reader(reader()) == before


def test_a_declared_version_takes_the_place_of_the_code(package: Path) -> None:
    text = FILES["mine/readers.py"].replace("(ConllReader):\n", "(ConllReader):\n    cache_version = 1\n")
    (package / "mine/readers.py").write_text(text)
    one = reader()
    before = fingerprint_reader(one)
    (package / "mine/deep.py").write_text("x = 2\n")
    assert fingerprint_reader(one) == before
    type(one).cache_version = 2  # type: ignore[attr-defined]
    assert fingerprint_reader(one) != before


def test_a_class_without_a_file_has_no_name() -> None:
    space: dict[str, object] = {"__name__": "nowhere_at_all"}
    exec("class Reader: pass", space)
    assert fingerprint_reader(space["Reader"]()) is None  # type: ignore[operator]


def test_readers_of_ours_need_none() -> None:
    assert own_code(ConllReader) == {}
