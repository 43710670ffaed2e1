"""One command on one input, and what is wrong with how it ended."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.forks import TIMEOUT, Ended, run_command

SECONDS, GIBIBYTES = 20, 3.0
MEBIBYTES = 1500
# Neither a newline nor a tab; whatever a terminal obeys.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
_LONGEST_ERROR = 4000


@dataclass
class Tally:
    """What happened, by command: how often it ended how, and all that went wrong."""

    ends: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: dict[str, float] = field(default_factory=dict)
    largest: dict[str, float] = field(default_factory=dict)

    def table(self) -> str:
        """Rows of Markdown: command, inputs, exit codes, largest time and memory, faults."""
        heads = ("command", "inputs", "done (0)", "refused (2)", "longest, CPU s", "most memory, MiB", "faults")
        rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for command in sorted({command for command, _ in self.ends}):
            ends = {code: count for (name, code), count in self.ends.items() if name == command}
            faults = sum(line.startswith(f"{command} ") for line in self.wrong)
            rows.append(
                f"| `{command}` | {sum(ends.values())} | {ends.get(0, 0)} | {ends.get(2, 0)} "
                f"| {self.slowest[command]:.1f} | {self.largest[command]:.0f} | {faults} |"
            )
        return "\n".join(rows)


def try_command(command: str, words: list[str], about: str, folder: Path, tally: Tally, kept: list[Path]) -> Ended:
    """Run a command, and note what a user would complain about.

    Args:
        command: its name.
        words: its command line.
        about: the input, for the list of faults.
        folder: where it runs.
        tally: where the end is noted.
        kept: files that must be as before.
    """
    before = [_digest(path) for path in kept]
    ended = run_command(command, words, folder, seconds=SECONDS, gibibytes=GIBIBYTES)
    tally.ends[command, ended.code] += 1
    tally.slowest[command] = max(tally.slowest.get(command, 0.0), ended.seconds)
    tally.largest[command] = max(tally.largest.get(command, 0.0), ended.mebibytes)
    for fault in _faults(ended):
        tally.wrong.append(f"{command} {about}: {fault}")
    if before != [_digest(path) for path in kept]:
        tally.wrong.append(f"{command} {about}: its input was changed")
    if (folder / "OWNED").exists():
        tally.wrong.append(f"{command} {about}: it ran what the input told it")
    return ended


def _faults(ended: Ended) -> list[str]:
    found = []
    said = ended.out + ended.err
    if ended.code == TIMEOUT or ended.code in (-9, -24):
        found.append(f"no end after {ended.seconds:.0f} CPU seconds")
    elif ended.code not in (0, 2):
        found.append(f"exit code {ended.code}: {_tail(ended.err)}")
    if "Traceback (most recent call last)" in said:
        found.append(f"a trace: {_tail(ended.err)}")
    if ended.code == 2 and not ended.err.strip():
        found.append("refused without a word")
    if len(ended.err) > _LONGEST_ERROR:
        found.append(f"{len(ended.err)} characters on standard error")
    if obeyed := _OBEYED.search(said):
        found.append(f"{obeyed[0]!r} reaches the terminal")
    if ended.mebibytes > MEBIBYTES:
        found.append(f"{ended.mebibytes:.0f} MiB of memory")
    return found


def _tail(text: str) -> str:
    lines = text.strip().splitlines() or [""]
    return lines[-1][:300]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
