from __future__ import annotations

import logging
import sys

import pytest

from ner_lightning.command_line.log_messages import HarmlessFormatter, escape_log_message


def record(message: str, *arguments: object, trace: bool = False) -> logging.LogRecord:
    return logging.LogRecord("n", logging.INFO, "f", 1, message, arguments, sys.exc_info() if trace else None)


def test_a_log_line_tells_no_secret_and_cannot_forge_another() -> None:
    formatter = HarmlessFormatter(logging.Formatter("[12:00:00] %(message)s"), {"hunter2hunter2"})
    line = formatter.format(record("data: %s", "hunter2hunter2\x1b[2J\n[12:00:01] all is well"))
    assert line == "[12:00:00] data: (hidden)\\x1b[2J\n  [12:00:01] all is well"


def test_a_trace_is_whole_but_for_secrets() -> None:
    try:
        raise ValueError("token=abc \x1b[31m")
    except ValueError:
        line = HarmlessFormatter(None, ()).format(record("broken", trace=True))
    assert line.splitlines()[-1] == "  ValueError: token=(hidden) \\x1b[31m"
    assert 'raise ValueError("token=' in line


def test_a_message_is_without_the_secrets_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_PAT", "s3cr3t-of-env")
    assert escape_log_message("no such file: s3cr3t-of-env") == "no such file: (hidden)"
    assert escape_log_message(OSError("x"), ()) == "x"
