"""Run one job in a process of its own, so that nothing leaks in and nothing is left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ner_lightning.run.child_process import CHECKED_BY
from ner_lightning.storage.locks import is_alive

PATIENCE = 60.0
"""Seconds that a process has to write its last checkpoint before it is killed."""

KILLED = 10.0
"""Seconds that the system has to end a killed process; one that waits for a disk takes longer."""

# Variables that one distributed run leaves in the environment, and the next must not see (Lightning #8559).
_DISTRIBUTED = (
    "LOCAL_RANK",
    "RANK",
    "GROUP_RANK",
    "NODE_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "PL_GLOBAL_SEED",
    "WANDB_RUN_ID",
    "WANDB_SERVICE",
)
_PR_SET_PDEATHSIG = 1

_RUNNING: set[subprocess.Popen[bytes]] = set()
_INTERRUPTED: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()


@dataclass(frozen=True)
class Exit:
    """The end of a process.

    Attributes:
        code: its exit code; negative: the number of the signal that ended it.
        seconds: its duration.
        ran_out_of_memory: whether the system meanwhile killed a process of ours for lack of memory.
        was_told: whether it was told to end by `interrupt_all`.
    """

    code: int
    seconds: float
    ran_out_of_memory: bool
    was_told: bool = False


def run(
    command: Sequence[str],
    log: Path,
    *,
    threads: int,
    memory: float | None = None,
    started: Callable[[int], None],
) -> Exit:
    """Run a command to its end, its output in a file.

    It gets a session of its own, a free port, and an environment without traces of other runs. An interruption here
    (Ctrl-C, or SIGTERM if the caller raises it) is passed on, waited for, and raised again; if this process is killed,
    the other is told to end (Linux).

    Args:
        command: program and arguments.
        log: a file to which its output is appended.
        threads: CPU threads.
        memory: GiB that each process may allocate; None: no limit.
        started: called with the process id.
    """
    before, start = _killed_for_memory(), time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(os.environ, threads),
            start_new_session=True,
            preexec_fn=_limits(memory),
        )
        _RUNNING.add(process)
        try:
            started(process.pid)
            code = process.wait()
        except BaseException:
            stop(process)
            raise
        finally:
            _RUNNING.discard(process)
            _end_group(process.pid)  # a rank that outlived the first one
    return Exit(code, time.monotonic() - start, _killed_for_memory() > before, process in _INTERRUPTED)


def stop(process: subprocess.Popen[bytes], patience: float = PATIENCE) -> int:
    """End a process as Ctrl-C would; if it does not react, kill it."""
    _interrupt(process)
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def is_running(pid: int | None, word: str) -> bool:
    """Tell whether a process lives on this machine and, as far as can be told, has a word in its command.

    Process numbers are reused, hence the word; a process that has ended but was not collected has no command.
    """
    if pid is None or not is_alive(pid):
        return False
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self/cmdline").exists()


def end_orphan(pid: int, word: str, patience: float) -> None:
    """End a process whose parent is gone: as SIGTERM would, and by a kill if it does not react.

    Args:
        pid: the first process of a session of its own, as `run` starts it.
        word: in its command.
        patience: seconds that it has to write its last checkpoint.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):  # another user's: the next check sees its lock
        os.kill(pid, signal.SIGTERM)
    _wait_for_end(pid, word, patience)
    _end_group(pid)
    _wait_for_end(pid, word, KILLED)


def _wait_for_end(pid: int, word: str, patience: float) -> None:
    until = time.monotonic() + patience
    while is_running(pid, word) and time.monotonic() < until:
        time.sleep(0.1)


def interrupt_all() -> bool:
    """Interrupt the processes that other threads wait for; False if none runs."""
    running = list(_RUNNING)
    for process in running:
        _interrupt(process)
    return bool(running)


def kill_all() -> None:
    """Kill the processes that other threads wait for."""
    for process in list(_RUNNING):
        process.kill()


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a process only once: a second Ctrl-C would break what the first has set going."""
    if process not in _INTERRUPTED:
        _INTERRUPTED.add(process)
        process.send_signal(signal.SIGINT)


def environment(of: Mapping[str, str], threads: int) -> dict[str, str]:
    """Build the environment of a job."""
    clean = {key: value for key, value in of.items() if key not in _DISTRIBUTED}
    if "SLURM_JOB_ID" in of:
        clean["SLURM_JOB_NAME"] = "interactive"  # otherwise Lightning would look for the other tasks of the allocation
    return clean | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "MASTER_PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1",
        CHECKED_BY: str(os.getpid()),
    }


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def available_threads() -> int:
    """Count the CPUs that this process may use: on a cluster, those of its allocation."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_share(of: Mapping[str, str], processes: int) -> int:
    """Divide the CPU threads among processes side by side; never more each than the environment allows.

    >>> thread_share({"OMP_NUM_THREADS": "1"}, processes=1), thread_share({}, processes=10_000)
    (1, 1)
    """
    share = max(1, available_threads() // processes)
    allowed = of.get("OMP_NUM_THREADS", "")
    return min(share, int(allowed)) if allowed.isdecimal() and int(allowed) else share


def _limits(memory: float | None) -> Callable[[], None]:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def apply() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):  # Ray, `nohup` and `&` in a script leave them ignored
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if memory is not None:
            limit = int(memory * 2**30)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent was killed before this was set up
                os._exit(128 + signal.SIGTERM)

    return apply


def _end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _killed_for_memory() -> int:
    """Count how often the system has killed for lack of memory in this control group, if it counts that."""
    try:
        lines = Path("/sys/fs/cgroup/memory.events").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
