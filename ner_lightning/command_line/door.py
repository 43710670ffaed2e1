"""The door of every command: it takes a command line, starts one run (or a sweep), and reports errors plainly.

It is `hydra.main` with three additions: the command line is checked before anything heavy is imported, an error that
the user can correct is one sentence on stderr with exit code 2, and every other error keeps its whole trace.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import shutil
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Collection
from typing import Any, NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from ner_lightning.command_line import arguments
from ner_lightning.command_line.closed_output import end_with_reader
from ner_lightning.command_line.compose import VERSION_BASE, composing_once, conf_folder, hydra_session
from ner_lightning.command_line.help import help_text
from ner_lightning.command_line.hydra_records import redact_records, secrets_of
from ner_lightning.command_line.log_messages import HarmlessFormatter, escape_log_message, gather_warnings
from ner_lightning.command_line.preflight import explain_hydra_errors, first_job, preflight
from ner_lightning.errors import Pruned, ReaderGone, UserError
from ner_lightning.page.terminal import escape_lines
from ner_lightning.run.child_process import end_with_parent, is_child
from ner_lightning.run.failure import failure_of, write_failure
from ner_lightning.run.log import to_run_log
from ner_lightning.run.redaction import redact_text
from ner_lightning.storage.locks import Busy

USER_ERROR = 2
INTERRUPTED = 128 + 2
TERMINATED = 128 + 15

# Repeated in every run by our dependencies, and nothing a user could act on.
_NOISE = (
    r".*isinstance\(treespec, LeafSpec\).*",
    r"Checkpoint directory .* exists and is not empty",  # a run is resumed there
    r"You're resuming from a checkpoint that ended before the epoch",  # the data module continues with the next batch
    r"The number of training batches .* is smaller than the logging interval",  # then the task logs more often
    r".*does not have many workers.*",
    r"You're using the WeightAveraging callback with a model that overrides the configure_model",  # sharding is refused
    r"It is recommended to use `self.log\('(test|val)/.*sync_dist=True",  # the metric itself sums over ranks
)

# Errors of a disk that the user can correct.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)

Command = Callable[[DictConfig], Any]
Sweep = Callable[[str, Namespace], int]


class JobFailed(CompactHydraException):
    """A run of a sweep failed and has been reported; Hydra continues, and exits with 1 in the end."""


def door(command: str, sweep: Sweep | None = None) -> Callable[[Command], Callable[..., Any]]:
    """Make a function that takes a configuration the main function of a command.

    Args:
        command: name of the root YAML under `conf/`, which is also the name of the module.
        sweep: runs a sweep of the command, each job in a process of its own, and returns the exit code; None: Hydra
            runs the jobs of a sweep one after another in this process.

    Called with a configuration, the decorated function is the plain function. Called without one, it is the command: it
    reads `sys.argv` and exits with code 0, 1 (a defect, or a failed run of a sweep), 2 (something the user can
    correct), 130 (Ctrl-C), 141 (whoever read its output has closed it) or 143 (SIGTERM).
    """

    def decorate(function: Command) -> Callable[..., Any]:
        @functools.wraps(function)
        def main(cfg: DictConfig | None = None) -> Any:
            if cfg is not None:
                return function(cfg)
            try:
                with end_with_reader():
                    return _enter(command, function, sweep)
            except KeyboardInterrupt:
                sys.stderr.write("Interrupted.\n")
                sys.exit(INTERRUPTED)

        return main

    return decorate


def _enter(command: str, function: Command, sweep: Sweep | None) -> None:
    end_with_parent()
    try:
        words = arguments.parse(sys.argv[1:], command)
        sys.argv[1:] = words.argv
        if words.help:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            sys.stdout.write(escape_lines(help_text(command, words, width)))
        elif words.hydra_help or words.shell_completion:
            hydra_main(command)(function)()
        elif words.cfg or words.info:
            _show(command, words)
        else:
            with composing_once():
                _start(command, function, sweep, words)
    except UserError as error:
        _tell(error)
        sys.exit(USER_ERROR)


def _show(command: str, words: Namespace) -> None:
    """Show the configuration; for a sweep, that of its first job."""
    if first := first_job(command, words):
        words.overrides = first
    preflight(command, words)
    name = words.config_name or command
    with hydra_session(command, words.config_dir) as session, explain_hydra_errors(session, name, words.overrides):
        if words.cfg:
            session.show_cfg(name, words.overrides, words.cfg, words.package, words.resolve)
        else:
            session.show_info(words.info, name, words.overrides)


def _start(command: str, function: Command, sweep: Sweep | None, words: Namespace) -> None:
    """Check a command line, then run what it asks for."""
    sweeps = False
    if not is_child():  # the first process of a run has looked already
        sweeps = preflight(command, words, isolated=sweep is not None)
    if sweeps and sweep is not None:
        sys.exit(sweep(command, words))

    @functools.wraps(function)
    def job(cfg: DictConfig) -> Any:
        return _run(function, cfg)

    name = words.config_name or command
    with hydra_session(command, words.config_dir) as session, explain_hydra_errors(session, name, words.overrides):
        try:
            if sweeps:
                session.multirun(name, job, [*words.overrides, "hydra.mode=MULTIRUN"])
            else:
                session.run(name, job, words.overrides)
        except JobFailed as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(1)
        except OSError as error:  # the folder of the run cannot be made
            if (refused := _of_the_disk(error)) is None:
                raise
            raise refused from error


def hydra_main(command: str) -> Callable[[Command], Callable[[], Any]]:
    """Make a function that takes a configuration the main function of Hydra, with our folder of YAML files."""
    return hydra.main(version_base=VERSION_BASE, config_path=str(conf_folder()), config_name=command)


def _run(function: Command, cfg: DictConfig) -> Any:
    """Run a command inside Hydra, with its logs and its errors."""
    secrets = secrets_of(cfg)
    redact_records(secrets)
    _gather_logs(secrets)
    try:
        with end_with_reader():
            return function(cfg)
    except Busy as error:  # the folder belongs to another run: write nothing into its files
        sys.stderr.write(f"{escape_log_message(error, secrets)}\n")
        _leave(USER_ERROR)
    except UserError as error:
        _tell(error, secrets)
        _write_down(error, cfg, secrets)
        _leave(USER_ERROR)
    except Pruned as error:
        sys.stderr.write(f"{escape_log_message(error, secrets)}\n")
        sys.exit(error.exit_code)
    except SystemExit as error:
        if any(kind.__name__ == "SIGTERMException" for kind in type(error).__mro__):
            sys.exit(TERMINATED)  # Lightning would leave with 0
        if isinstance(error.__context__, KeyboardInterrupt):
            sys.exit(INTERRUPTED)  # Lightning would leave with 1
        if isinstance(error.__context__, BrokenPipeError):
            sys.exit(ReaderGone.exit_code)  # rich would leave with 1
        raise
    except Exception as error:
        if (refused := _of_the_disk(error)) is not None:
            _tell(refused, secrets)
            _leave(USER_ERROR)
        _write_down(error, cfg, secrets)
        # The whole trace: Hydra would cut frames off both ends.
        trace = escape_lines(redact_text(traceback.format_exc(), secrets))
        sys.stderr.write(trace)
        to_run_log(trace.rstrip(), logging.ERROR)
        _leave(1)


def _of_the_disk(error: Exception) -> UserError | None:
    """Write the sentence for what a disk refuses; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in _OF_THE_DISK:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return UserError(f"{place}cannot be written ({(error.strerror or str(error)).lower()}).")


def _write_down(error: Exception, cfg: DictConfig, secrets: Collection[str]) -> None:
    """Leave `error.json` in the folder of a run, for a sweep that started it."""
    runtime = HydraConfig.get().runtime
    if "paths" in cfg and runtime.output_dir != runtime.cwd:  # a command without a folder of its own leaves nothing
        failure = failure_of(error)
        write_failure(runtime.output_dir, failure._replace(message=redact_text(failure.message, secrets)))


def _leave(code: int) -> NoReturn:
    """End a single run with an exit code, or a run of a sweep with an error that lets the sweep continue."""
    job = HydraConfig.get()
    if job.mode == RunMode.MULTIRUN:
        raise JobFailed(escape_log_message(f"Run {job.job.num} ({job.job.override_dirname}) failed, see above."))
    sys.exit(code)


def _tell(error: UserError, secrets: Collection[str] | None = None) -> None:
    """Report an error in one sentence, once per run: on stderr, and in the log file if there is one."""
    if is_child():
        return
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        sys.stderr.write(escape_lines(redact_text(traceback.format_exc(), secrets or ())))
    else:
        sys.stderr.write(f"{escape_log_message(error, secrets)}\n")
    to_run_log(str(error), logging.ERROR)


def _gather_logs(secrets: Collection[str]) -> None:
    """Send Lightning's lines to our logs (`run.log` and the console), only from the first process of a run.

    None of them contains a secret, or anything that a terminal would obey.
    """
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # the fonts it found
    for name in ("pytorch_lightning", "lightning_fabric"):
        logger = logging.getLogger(name)
        logger.handlers.clear()  # its own handler, set if it was imported before Hydra's handlers existed
        logger.propagate = True
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_no_advertisement)
        handler.setFormatter(HarmlessFormatter(handler.formatter, secrets))
    gather_warnings(_NOISE)
    logging.raiseExceptions = False  # a full disk cuts the log; a trace for each line would bury the message about it
    if is_child():
        root = logging.getLogger()
        root.setLevel(logging.ERROR)
        for handler in [h for h in root.handlers if isinstance(h, logging.FileHandler)]:
            root.removeHandler(handler)
            handler.close()


def _is_no_advertisement(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("💡 Tip")
