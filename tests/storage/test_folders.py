import importlib
from pathlib import Path

import pytest

from ner_lightning.storage import folders


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NER_LIGHTNING_CACHE", "~/here")
    assert folders.cache_folder() == Path.home() / "here"
    monkeypatch.delenv("NER_LIGHTNING_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert folders.cache_folder() == Path("/var/cache/me/ner_lightning")


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("unix.Unix", ".cache/ner_lightning"),
        ("macos.MacOS", "Library/Caches/ner_lightning"),
        ("windows.Windows", "AppData/Local/ner_lightning"),
    ],
)
def test_the_cache_is_where_it_was_on_every_system(system: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name = system.split(".")
    kind = getattr(importlib.import_module(f"platformdirs.{module}"), name)
    monkeypatch.setattr(
        f"platformdirs.{module}.get_win_folder", lambda _: f"{Path.home()}/AppData/Local", raising=False
    )
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("NER_LIGHTNING_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.PlatformDirs", kind)
    assert folders.cache_folder() == Path.home() / place


def test_corpora_have_a_folder_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NER_LIGHTNING_CACHE", "/kept")
    monkeypatch.delenv("NER_LIGHTNING_CORPORA", raising=False)
    assert folders.corpora_folder() == Path("/kept/corpora")
    monkeypatch.setenv("NER_LIGHTNING_CORPORA", "~/here")
    assert folders.corpora_folder() == Path.home() / "here"
