"""Tell which run is better, by how much, whether it is real, and why: `python -m ner_lightning.compare RUNS…`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner_lightning.command_line.door import door
from ner_lightning.errors import UserError
from ner_lightning.run.folder import RunFolder

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from ner_lightning.comparison.comparison import Comparison
    from ner_lightning.comparison.settings import Settings

TERMINAL = "-"
WIDE = 200  # characters per line where no terminal gives its width


@door("compare")
def main(cfg: DictConfig) -> None:
    """Compare runs."""
    compare(cfg)


def compare(cfg: DictConfig) -> Comparison:
    """Compare runs, say what was found, and write it where `output` says.

    Args:
        cfg: composed from `conf/compare.yaml`.

    Raises:
        UserError: nothing to compare, or a value that cannot be used.
    """
    from ner_lightning.comparison.comparison import compare_runs as compare_runs
    from ner_lightning.comparison.report.text import show_comparison
    from ner_lightning.comparison.runs.collect import collect
    from ner_lightning.config.objects import resolve_config
    from ner_lightning.page import terminal

    config = resolve_config(cfg)
    settings = _settings(config)
    if config["to_wandb"] and config["output"] == TERMINAL:
        raise UserError(f"to_wandb=true: what is logged is what is written; leave output={TERMINAL} out.")
    _check_folder(config["output"], force=config["force"])
    found = compare_runs(collect(config["runs"]), settings)
    console = terminal.make_console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    show_comparison(found, console)
    if config["output"] != TERMINAL:
        from ner_lightning.comparison.report.output_folder import write
        from ner_lightning.comparison.why import explain_difference

        whys = [explain_difference(section, settings) for section in found.sections]
        written = write(found, whys, _folder(config), config["figures"])
        console.print(f"\nReport: {written.report}", highlight=False, soft_wrap=True, markup=False)
        if config["to_wandb"]:
            from ner_lightning.comparison.report.to_wandb import log_comparison

            if place := log_comparison(found, whys, written, config["wandb"]):
                console.print(f"W&B Report: {place}", highlight=False, soft_wrap=True, markup=False)
    return found


def _folder(config: dict[str, Any]) -> Path:
    if config["output"] is not None:
        return Path(config["output"]).expanduser()
    return Path(config["paths"]["outputs"]) / "comparisons" / f"{datetime.now():%Y-%m-%d_%H-%M-%S-%f}"


def _check_folder(output: str | None, *, force: bool) -> None:
    """Refuse the folder of a run: its pictures and tables have the names of ours; and another comparison's."""
    from ner_lightning.comparison.report.output_folder import REPORT

    if output in (None, TERMINAL):
        return
    folder = Path(str(output)).expanduser()
    if RunFolder(folder).is_begun():
        raise UserError(f"output={output}: this is the folder of a run; name another.")
    if (folder / REPORT).exists() and not force:
        raise UserError(
            f"output={output}: a comparison stands there; name another folder, or write force=true to replace it"
        )


def _settings(config: dict[str, Any]) -> Settings:
    from ner_lightning.comparison.settings import Settings

    return Settings(
        split=config["split"],
        columns=tuple(config["columns"]),
        repetition=tuple(config["repetition"]),
        pairs=config["pairs"],
        baseline=None if config["baseline"] is None else str(config["baseline"]),
        paired_seeds=config["paired_seeds"],
        diff=tuple(config["diff"]),
        samples=config["samples"],
        level=config["level"],
        seed=config["seed"],
        listed=config["listed"],
    )


if __name__ == "__main__":
    main()
