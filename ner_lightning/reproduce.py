"""Run a stored run again and say whether the result is the same: `python -m ner_lightning.reproduce RUN`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ner_lightning.command_line.door import door
from ner_lightning.errors import UserError
from ner_lightning.page.terminal import escape_lines
from ner_lightning.reproduction.again import (
    check_run_secrets,
    check_run_words,
    read_finished,
    run_again,
    stored_config,
)
from ner_lightning.reproduction.verdict import compare_results

if TYPE_CHECKING:
    from omegaconf import DictConfig

DIFFERENT = 1


@door("reproduce")
def main(cfg: DictConfig) -> None:
    """Train again from a run folder's own configuration; leave with 0 when the result is the same, 1 when not."""
    sys.exit(reproduce(Path(cfg.run).expanduser(), _path(cfg.output), _path(cfg.against), list(cfg.given)))


def reproduce(run: Path, output: Path | None = None, against: Path | None = None, given: Sequence[str] = ()) -> int:
    """Train again (or take `against`), print the verdict, and return the exit code.

    Raises:
        UserError: a folder holds no finished run or is taken, or the second run fails.
    """
    config = stored_config(run)
    check_run_words(run, config, given)
    new = against or output or _folder(run, str(config["paths"].get("outputs", "outputs")))
    if against is not None:
        stored_config(against)
    else:
        if new.exists():
            raise UserError(f"output={new}: it is there already; name a folder that is not")
        check_run_secrets(run, config, given)
        threads = read_finished(run).result.setup.get("threads")
        threads = threads if isinstance(threads, int) and threads > 0 else None
        if run_again(config, new.absolute(), threads, given):
            raise UserError(f"{run}: the second run failed, see above; what it wrote is in {new}")
    verdict = compare_results(run, new)
    sys.stdout.write("".join(f"{escape_lines(line)}\n" for line in verdict.lines()))
    return 0 if verdict.same else DIFFERENT


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name).expanduser()


def _folder(run: Path, outputs: str) -> Path:
    return Path(outputs) / "reproduced" / f"{run.resolve().name}_{datetime.now():%Y-%m-%d_%H-%M-%S}"


if __name__ == "__main__":
    main()
