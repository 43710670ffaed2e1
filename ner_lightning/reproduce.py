"""Run a stored run again and say whether the result is the same: `python -m ner_lightning.reproduce RUN`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ner_lightning.command_line.said import escape_log_message
from ner_lightning.errors import UserError
from ner_lightning.page.terminal import escape_lines
from ner_lightning.reproduction.again import check_run_secrets, read_finished, run_again, stored_config
from ner_lightning.reproduction.verdict import compare_results

DIFFERENT = 1
USER_ERROR = 2


def main(argv: list[str] | None = None) -> None:
    """Train again from a run folder's own configuration; exit with 0 if the result is the same, else with 1."""
    parser = argparse.ArgumentParser(prog="python -m ner_lightning.reproduce", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run, also one of a sweep")
    parser.add_argument("--output", type=Path, help="folder of the new run (default: outputs/reproduced/RUN_DATE)")
    parser.add_argument("--against", type=Path, help="compare with this finished run instead of training again")
    parser.add_argument("given", nargs="*", metavar="KEY=VALUE", help="what is not stored: secrets")
    arguments = parser.parse_intermixed_args(argv)
    try:
        sys.exit(reproduce(arguments.run, arguments.output, arguments.against, arguments.given))
    except UserError as error:
        sys.stderr.write(f"{escape_log_message(error)}\n")
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)


def reproduce(run: Path, output: Path | None = None, against: Path | None = None, given: Sequence[str] = ()) -> int:
    """Train again (or take `against`), print the verdict, and return the exit code.

    Raises:
        UserError: a folder holds no finished run or is taken, or the second run fails.
    """
    config = stored_config(run)
    new = against or output or _folder(run, str(config["paths"].get("outputs", "outputs")))
    if against is not None:
        stored_config(against)
    else:
        if new.exists():
            raise UserError(f"--output {new}: it is there already; name a folder that is not")
        check_run_secrets(run, config, given)
        threads = read_finished(run).result.setup.get("threads")
        threads = threads if isinstance(threads, int) and threads > 0 else None
        if run_again(config, new.absolute(), threads, given):
            raise UserError(f"{run}: the second run failed, see above; what it wrote is in {new}")
    verdict = compare_results(run, new)
    sys.stdout.write("".join(f"{escape_lines(line)}\n" for line in verdict.lines()))
    return 0 if verdict.same else DIFFERENT


def _folder(run: Path, outputs: str) -> Path:
    return Path(outputs) / "reproduced" / f"{run.resolve().name}_{datetime.now():%Y-%m-%d_%H-%M-%S}"


if __name__ == "__main__":
    main()
