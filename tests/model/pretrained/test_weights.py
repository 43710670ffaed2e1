from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ner_lightning.model.encoder import Encoder
from ner_lightning.model.pretrained.names import EncoderUnavailable
from tests.oracle.tiny_encoders import tiny_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny BERT saved as Hugging Face saves it, in half precision."""
    encoder = Encoder("tiny", config=tiny_config("bert"))
    encoder.model.half().save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").touch()
    return tmp_path


def test_a_local_folder_is_loaded_in_float32(folder: Path) -> None:
    encoder = Encoder(str(folder))
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    saved = load_file(folder / "model.safetensors")
    assert set(saved) == set(encoder.model.state_dict())
    assert all(torch.equal(saved[name].float(), value) for name, value in encoder.model.state_dict().items())


def test_loading_says_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"pooler.dense.weight": torch.zeros(32, 32)}, folder / "model.safetensors", {"format": "pt"})
    Encoder(str(folder))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_weights_of_another_architecture_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(EncoderUnavailable, match=r"lack 16 parameters of a BertModel \(encoder\.layer\.2\."):
        Encoder(str(folder))


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00notjson!"])
def test_weights_that_cannot_be_read_name_their_folder(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(EncoderUnavailable, match="cannot be read") as error:
        Encoder(str(folder))
    assert str(folder) in str(error.value)


def test_a_pickle_that_is_more_than_tensors_is_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights | {"surprise": Path("/")}, folder / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailable, match="cannot be read"):
        Encoder(str(folder))
    torch.save(weights, folder / "pytorch_model.bin")
    assert Encoder(str(folder)).hidden_size == 32


def test_code_in_the_folder_is_never_run(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    own = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(config | own))
    (folder / "own.py").write_text("raise SystemExit('run')")
    with pytest.raises(EncoderUnavailable, match="cannot be read"):
        Encoder(str(folder))


def test_a_model_that_is_no_text_encoder_is_refused() -> None:
    with pytest.raises((EncoderUnavailable, ValueError), match="encodec_no_such"):
        Encoder("x", config={"model_type": "encodec_no_such"})
