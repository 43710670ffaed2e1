"""Show how a sweep stands, from another shell: `python -m ner_lightning.sweep_status outputs/sweeps/NAME`."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ner_lightning.command_line.door import door

if TYPE_CHECKING:
    from omegaconf import DictConfig


@door("sweep_status")
def main(cfg: DictConfig) -> None:
    """Print the table of a sweep's jobs; with `watch` again and again until it has ended."""
    show_status(Path(cfg.folder).expanduser(), watch=cfg.watch, as_json=cfg.json)


def show_status(folder: Path, *, watch: bool = False, as_json: bool = False) -> None:
    """Print how the jobs of a sweep stand.

    Args:
        folder: of the sweep.
        watch: again and again until all of them have ended.
        as_json: a JSON line for each instead of the table.

    Raises:
        UserError: it is no folder of a sweep.
    """
    from rich.live import Live

    from ner_lightning.page import terminal
    from ner_lightning.storage.json_text import json_text
    from ner_lightning.sweep.jobs_table import jobs_table, summarise_jobs
    from ner_lightning.sweep.manifest import OVER, Manifest

    manifest = Manifest(folder)
    about = manifest.about()
    monitor, mode, jobs = about.monitor, about.mode, manifest.jobs()
    if as_json:
        sys.stdout.writelines(json_text(asdict(job)) + "\n" for job in jobs.values())
        return
    console = terminal.make_console()
    if watch:
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while any(job.state not in OVER and not job.is_orphan for job in jobs.values()):
                live.update(jobs_table(folder, jobs, monitor, mode, max(5, console.height - 6)), refresh=True)
                time.sleep(1)
                jobs = manifest.jobs()
    console.print(jobs_table(folder, jobs, monitor, mode))
    console.print(summarise_jobs(jobs, monitor, mode), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
