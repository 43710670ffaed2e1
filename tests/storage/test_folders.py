from pathlib import Path

import pytest

from ner_lightning.storage import folders


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NER_LIGHTNING_CACHE", "~/here")
    assert folders.cache_folder() == Path.home() / "here"
    monkeypatch.delenv("NER_LIGHTNING_CACHE")
    monkeypatch.setattr(folders.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert folders.cache_folder() == Path("/var/cache/me/ner_lightning")


def test_corpora_have_a_folder_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NER_LIGHTNING_CACHE", "/kept")
    monkeypatch.delenv("NER_LIGHTNING_CORPORA", raising=False)
    assert folders.corpora_folder() == Path("/kept/corpora")
    monkeypatch.setenv("NER_LIGHTNING_CORPORA", "~/here")
    assert folders.corpora_folder() == Path.home() / "here"
