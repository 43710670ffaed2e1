"""Commands run as a user runs them, hundreds a minute: one process imports everything, and each command is its fork.

A fork has limits of its own on time and memory, its own streams and its own working folder, and whatever it breaks ends
with it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

COMMANDS = ("inspect", "convert", "predict", "evaluate", "compare", "sweep_status", "reproduce", "train")
TIMEOUT = 137
"""Exit code of a command that was killed for taking too long."""
UNCAUGHT = 70
"""Exit code of a command that let an exception through."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code; negative: the signal that ended it.
        out: what it wrote to standard output.
        err: to standard error.
        seconds: CPU seconds.
        mebibytes: of memory, more than this process had before it.
    """

    code: int
    out: str
    err: str
    seconds: float
    mebibytes: float


def import_everything() -> None:
    """Import what the commands import, once for all forks."""
    for command in COMMANDS:
        importlib.import_module(f"ner_lightning.{command}")
    from ner_lightning.command_line import arguments
    from ner_lightning.command_line.preflight import preflight

    for name in (
        "training.build",
        "inference.tagger",
        "inference.file_tagging",
        "data.conversion",
        "comparison.comparison",
    ):
        importlib.import_module(f"ner_lightning.{name}")
    here = Path(__file__)  # any file and any folder will do
    given = {"convert": [f"input={here}"], "predict": [f"ckpt={here.parent}", f"input={here}"]}
    given["evaluate"] = [f"ckpt={here.parent}"]
    for command in ("inspect", "convert", "predict", "evaluate", "compare"):  # signatures and YAML, read once
        preflight(command, arguments.parse(given.get(command, [])))


def run_command(command: str, words: list[str], folder: Path, *, seconds: int, gibibytes: float) -> Ended:
    """Run one command in a fork of this process.

    Args:
        command: name of its module.
        words: its command line.
        folder: where it runs and where its streams are kept.
        seconds: of CPU it may take; of the clock three times as many.
        gibibytes: that it may allocate.
    """
    out, err = folder / "stdout", folder / "stderr"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = os.fork()
    if child == 0:
        _become(command, words, folder, seconds=seconds, gibibytes=gibibytes)
    code, usage = _wait(child, 3 * seconds)
    return Ended(
        code,
        out.read_text(encoding="utf-8", errors="backslashreplace"),
        err.read_text(encoding="utf-8", errors="backslashreplace"),
        usage.ru_utime + usage.ru_stime,
        max(0.0, (usage.ru_maxrss - before) / 1024),
    )


def _wait(child: int, seconds: float) -> tuple[int, resource.struct_rusage]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), usage
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _, _, usage = os.wait4(child, 0)
    return TIMEOUT, usage


def _become(command: str, words: list[str], folder: Path, *, seconds: int, gibibytes: float) -> None:
    """Turn this fork into a command that never returns."""
    code = UNCAUGHT
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        for descriptor, name, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, "stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, "stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            os.dup2(os.open(name, flags, 0o600), descriptor)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (descriptors, open to the end)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        allowed = _address_space() + int(gibibytes * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
        sys.argv = [f"ner_lightning/{command}.py", *words]
        code = _call(command)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _call(command: str) -> int:
    """The exit code of a command's main function, as the interpreter would give it."""
    try:
        sys.modules[f"ner_lightning.{command}"].main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return UNCAUGHT
    return 0


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
