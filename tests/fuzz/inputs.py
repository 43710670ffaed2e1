"""Files nobody should have to fear: honest ones of every format, and what happens to them on their way."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = ["Ann", "Lee", "lives", "in", "Oslo", "."]
TEXT = "Ann Lee lives in Oslo ."


def _columns(separator: str, *, numbered: bool = False) -> str:
    rows = [*zip(WORDS, ["B-PER", "I-PER", "O", "O", "B-LOC", "O"], strict=True)]
    lines = [separator.join([*([str(i)] if numbered else []), *row]) for i, row in enumerate(rows, 1)]
    return "\n".join([*lines, "", *lines, ""]) + "\n"


def _lines(record: dict[str, Any]) -> str:
    return 3 * (json.dumps(record) + "\n")


def _label_studio() -> str:
    region = {"value": {"start": 0, "end": 7, "text": "Ann Lee", "labels": ["PER"]}, "type": "labels"}
    region |= {"id": "r", "from_name": "label", "to_name": "text"}
    task = {"id": 1, "data": {"text": TEXT}, "annotations": [{"id": 1, "result": [region]}]}
    return json.dumps([task, task])


def _prodigy() -> str:
    starts = [0, 4, 8, 14, 17, 22]
    tokens = [
        {"text": word, "start": start, "end": start + len(word), "id": i}
        for i, (word, start) in enumerate(zip(WORDS, starts, strict=True))
    ]
    span = {"start": 0, "end": 7, "label": "PER", "token_start": 0, "token_end": 1}
    return _lines({"text": TEXT, "tokens": tokens, "spans": [span], "answer": "accept", "_input_hash": 1})


_CONLLU = "".join(f"{i}\t{w}\t{t}\t-\t-\n" for i, (w, t) in enumerate(zip(WORDS, "OOOOOO", strict=True), 1))

HONEST: dict[str, str] = {
    "a.conll": _columns(" "),
    "a.tsv": _columns("\t"),
    "a.iob2": "# text = x\n" + _columns("\t", numbered=True),
    "a.conllu": "# sent_id = 1\n" + _CONLLU + "\n",
    "a.csv": "Sentence #,Word,Tag\n" + "".join(f"Sentence: 1,{word},O\n" for word in WORDS[:-1]),
    "spans.jsonl": _lines({"id": "1", "text": TEXT, "label": [[0, 7, "PER"], [17, 21, "LOC"]]}),
    "words.jsonl": _lines({"tokens": WORDS, "ner_tags": ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]}),
    "doccano.jsonl": _lines({"text": TEXT, "entities": [{"label": "PER", "start_offset": 0, "end_offset": 7}]}),
    "cluener.json": _lines({"text": TEXT, "label": {"PER": {"Ann Lee": [[0, 6]]}}}),
    "gliner.json": json.dumps([{"tokenized_text": WORDS, "ner": [[0, 1, "PER"]]}]),
    "spacy_v2.json": json.dumps([[TEXT, {"entities": [[0, 7, "PER"]]}]]),
    "prodigy.jsonl": _prodigy(),
    "label_studio.json": _label_studio(),
    "a.txt": f"{TEXT}\n{TEXT}\n",
}


@dataclass(frozen=True)
class Hostile:
    """One file.

    Attributes:
        name: its name, whose ending says what it claims to be.
        deed: what was done to it.
        content: its bytes.
    """

    name: str
    deed: str
    content: bytes

    def write(self, folder: Path) -> Path:
        """The path of the file, written."""
        path = folder / self.name
        path.write_bytes(self.content)
        return path


def _anywhere(insert: bytes) -> Callable[[bytes, random.Random], bytes]:
    def change(content: bytes, draw: random.Random) -> bytes:
        at = draw.randrange(len(content))
        return content[:at] + insert + content[at:]

    return change


def _flip(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(3):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _swap(old: bytes, *new: bytes) -> Callable[[bytes, random.Random], bytes]:
    return lambda content, draw: content.replace(old, draw.choice(new))


def _without_a_piece(content: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(content))
    return content[:start] + content[start + draw.randrange(1, 40) :]


DEEDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "none": lambda content, _: content,
    "emptied": lambda *_: b"",
    "blank": lambda *_: b" \n\t\n\r\n",
    "cut": lambda content, draw: content[: draw.randrange(1, len(content))],
    "holed": _without_a_piece,
    "bytes flipped": _flip,
    "a bad byte": _anywhere(b"\xff"),
    "NUL": _anywhere(b"\0"),
    "escape sequence": _anywhere(b"\x1b[2J\x1b]0;owned\x07"),
    "lone surrogate": _anywhere(b"\xed\xa0\x80"),
    "escaped surrogate": _swap(b"Ann", b"\\ud800", b"A\\udfff"),
    "byte order mark inside": _anywhere(b"\xef\xbb\xbf"),
    "UTF-16": lambda content, _: content.decode().encode("utf-16"),
    "CR only": lambda content, _: content.replace(b"\n", b"\r"),
    "CRLF": lambda content, _: content.replace(b"\n", b"\r\n"),
    "line separators": _swap(b" ", b"\xe2\x80\xa8", b"\x0b", b"\x0c", b"\xc2\x85"),
    "every line ends in a tab": lambda content, _: content.replace(b"\n", b"\t\n"),
    "bidi and invisible": _anywhere("\u202e\u200b\ufe0f".encode()),
    "a label of control characters": _swap(b"PER", b"P\x07R", b"P\\u001b[31mR", b" PER ", b"P\tR"),
    "a label of markup": _swap(b"PER", b"[red]PER[/]", b"<script>alert(1)</script>", b"=1+1", b"__class__"),
    "an odd label": _swap(b"PER", b"support", b"f1", b"None", b"O", b"a/b", b"1", b"micro", b"\xe4\xba\xba"),
    "a long label": _swap(b"PER", b"P" * 20_000),
    "a long word": _swap(b"Oslo", b"O" * 100_000),
    "a long line": _swap(b"lives", b"lives " * 3_000),
    "huge number": _swap(b"7", b"9" * 5_000, b"-1", b"1e999", b"99999999999", b"2.5", b"NaN"),
    "other kinds": _swap(b'"Ann', b'null, "Ann', b'[], "Ann', b'{"a": 1}, "Ann', b'true, "Ann'),
    "numbers for text": _swap(b'"PER"', b"0", b"null", b"[]", b"{}", b"true", b"1.5"),
    "null for lists": _swap(b"[[", b"null, [["),
    "doubled keys": lambda content, _: content.replace(b'"text"', b'"text": "x", "text"'),
    "deep nesting": lambda *_: b'{"text": ' + b"[" * 100_000,
    "deep but whole": lambda *_: b'{"text": "x", "label": ' + b"[" * 5_000 + b"]" * 5_000 + b"}\n",
    "another format": lambda _, draw: draw.choice(list(HONEST.values())).encode(),
    "gzip of the same": lambda content, _: gzip.compress(content, mtime=0),
}


def hostile_files(seed: int = 0) -> Iterator[Hostile]:
    """Every deed done to every honest file."""
    for name, text in HONEST.items():
        for deed, change in DEEDS.items():
            draw = random.Random(f"{seed}/{name}/{deed}")
            yield Hostile(name, deed, change(text.encode(), draw))
    draw = random.Random(seed)
    for name, text in HONEST.items():
        whole = gzip.compress(text.encode(), mtime=0)
        yield Hostile(f"{name}.gz", "none", whole)
        yield Hostile(f"{name}.gz", "cut", whole[: draw.randrange(1, len(whole))])
        yield Hostile(f"{name}.gz", "not compressed", text.encode())
    yield Hostile("bomb.txt.gz", "a bomb", gzip.compress(b"a " * 8_000_000, mtime=0))
    for name in (
        "a\nERROR: forged",
        "\x1b[31mred",
        "[bold]a",
        "=1+1",
        "a,b={c}",
        "好",
    ):
        yield Hostile(f"{name}.conll", "an odd name", HONEST["a.conll"].encode())
