"""Show how a sweep stands, from another shell: `python -m ner_lightning.sweep_status outputs/sweeps/NAME`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.live import Live

from ner_lightning.command_line.said import escape_log_message
from ner_lightning.errors import UserError
from ner_lightning.page import terminal
from ner_lightning.storage.json_text import json_text
from ner_lightning.sweep.manifest import OVER, Manifest
from ner_lightning.sweep.table import jobs_table, summarise_jobs


def main(argv: list[str] | None = None) -> None:
    """Print the table of a sweep's jobs; with `--watch`, again and again until it has ended."""
    parser = argparse.ArgumentParser(prog="python -m ner_lightning.sweep_status", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the sweep: the one with manifest.jsonl")
    parser.add_argument("--watch", action="store_true", help="until every job has ended")
    parser.add_argument("--json", action="store_true", help="one JSON line a job instead of the table")
    arguments = parser.parse_args(argv)
    try:
        show(arguments)
    except UserError as error:
        sys.stderr.write(f"{escape_log_message(error)}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def show(arguments: argparse.Namespace) -> None:
    """Show what the parsed arguments ask for."""
    home, manifest = arguments.folder, Manifest(arguments.folder)
    about = manifest.about()
    monitor, mode, jobs = about.monitor, about.mode, manifest.jobs()
    if arguments.json:
        sys.stdout.writelines(json_text(asdict(job)) + "\n" for job in jobs.values())
        return
    console = terminal.make_console()
    if arguments.watch:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while any(job.state not in OVER and not job.is_orphan for job in jobs.values()):
                live.update(jobs_table(home, jobs, monitor, mode, max(5, console.height - 6)), refresh=True)
                time.sleep(1)
                jobs = manifest.jobs()
    console.print(jobs_table(home, jobs, monitor, mode))
    console.print(summarise_jobs(jobs, monitor, mode), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
