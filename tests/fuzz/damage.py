"""Run folders as a power cut, a careless hand or an enemy leaves them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ALIASES = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n".encode()
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "emptied": lambda *_: b"",
    "cut": lambda content, draw: content[: draw.randrange(len(content) // 2 or 1)],
    "zeros": lambda content, _: bytes(len(content)),
    "noise": lambda content, draw: draw.randbytes(min(len(content), 4096)),
    "a list": lambda *_: b"[1, 2, 3]\n",
    "null": lambda *_: b"null\n",
    "other kinds": lambda content, _: content.replace(b": {", b": [{").replace(b"1", b'"x"'),
    "escape sequence": lambda content, _: content.replace(b"e", b"\\u001b[31m", 3),
    "aliases": lambda content, _: _ALIASES + content,
    "a command": lambda content, _: (
        content.replace(b"_target_: ", b"_target_: os.system #", 1)
        + b"\nmore: {_target_: os.system, command: 'touch OWNED'}\n"
    ),
}


@dataclass(frozen=True)
class Damage:
    """One file of a folder, and what is done to it."""

    file: str
    deed: str
    seed: int = 0

    def do(self, folder: Path) -> None:
        """Do it."""
        path = folder / self.file
        draw = random.Random(f"{self.seed}/{self.file}/{self.deed}")
        if self.deed == "removed":
            path.unlink()
        elif self.deed == "a folder":
            path.unlink()
            path.mkdir()
        else:
            path.write_bytes(DAMAGES[self.deed](path.read_bytes(), draw))


def damages(folder: Path) -> Iterator[Damage]:
    """Every damage to every small file of a folder, and to its checkpoints."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".") and path.suffix not in (".png", ".svg", ".log", ".txt"):
            for deed in (*DAMAGES, "removed", "a folder"):
                yield Damage(path.relative_to(folder).as_posix(), deed)
