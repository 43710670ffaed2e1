"""Log a comparison to W&B: its own run with tables, pictures and an artifact, and a Report if online."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ner_lightning.analysis.run_tables import confusion_counts
from ner_lightning.comparison.columns import GROUPS
from ner_lightning.comparison.comparison import Comparison
from ner_lightning.comparison.report.grid import Table, configuration_table, pair_table
from ner_lightning.comparison.report.markup import render_markdown
from ner_lightning.comparison.report.output_folder import WrittenReport
from ner_lightning.comparison.why import Why
from ner_lightning.errors import UserError, first_line

if TYPE_CHECKING:
    from wandb import Run

log = logging.getLogger(__name__)

JOB = "comparison"
PROJECT = "ner_lightning"

_FIRST = ("section", "configuration")


def log_comparison(
    comparison: Comparison, whys: Sequence[Why], written: WrittenReport, options: Mapping[str, Any]
) -> str | None:
    """Log a comparison as a run of its own.

    Args:
        comparison: of `compare`.
        whys: of each section.
        written: its files, which become an artifact.
        options: `project`, `entity`, `group` (None: those of the runs), `mode` (as of the logger) and `report`.

    Returns:
        The address of the Report; None if there is none.

    Raises:
        UserError: an unknown mode, `online` without a key, or W&B does not accept it.
    """
    import wandb

    from ner_lightning.logger.wandb import close, open_run

    project = options["project"] or _shared(comparison, "project") or PROJECT
    run = open_run(
        options["mode"],
        {
            "project": project,
            "entity": options["entity"] or _shared(comparison, "entity"),
            "group": options["group"] or _shared(comparison, "group") or _experiment(comparison),
            "name": f"comparison of {comparison.n_runs} runs",
            "dir": str(written.folder),
            "job_type": JOB,
            "config": {"split": comparison.settings.split, "runs": _runs(comparison)},
        },
    )
    if run is None:
        return None
    failed, place = True, None
    try:
        found: dict[str, Any] = {
            name: wandb.Table(columns=list(columns), data=list(rows))
            for name, (columns, rows) in wandb_tables(comparison, whys).items()
        }
        found |= _images(comparison, written)
        run.log(found)
        run.summary.update(_best(comparison))
        artifact = wandb.Artifact(f"comparison-{run.id}", type=JOB)
        for file in sorted(written.folder.iterdir()):
            if file.is_file():
                artifact.add_file(str(file))
        run.log_artifact(artifact)
        if options["report"]:
            place = make_report(run, comparison)
        failed = False
    except Exception as error:  # of W&B or its server
        raise UserError(
            f"W&B did not take the comparison ({first_line(error)}); it is complete in {written.folder}"
        ) from error
    finally:
        close(run, failed)
    return place


def _images(comparison: Comparison, written: WrittenReport) -> dict[str, Any]:
    import wandb

    found = {}
    names = ["", *(section.name for section in comparison.sections)]
    for name, pictures in zip(names, [written.pictures.overall, *written.pictures.sections], strict=True):
        for picture in pictures:
            png = picture.svg.with_suffix(".png")
            if png.is_file():
                found[_key("figures", name, picture.name)] = wandb.Image(str(png), caption=picture.title)
    return found


def _best(comparison: Comparison) -> dict[str, Any]:
    best = [(section.name, section.rows[0].name, section.rows[0].f1) for section in comparison.sections]
    best += [("", row.name, row.mean) for row in (comparison.overall.rows[:1] if comparison.overall else [])]
    found: dict[str, Any] = {}
    for where, configuration, f1 in best:
        found |= {_key("best", where): configuration, _key("best_f1", where): f1}
    return found


def _key(*parts: str) -> str:
    return "/".join(filter(None, parts))


def wandb_tables(comparison: Comparison, whys: Sequence[Why]) -> dict[str, Table]:
    """Make the W&B Tables, with F1 as fractions, and a column `section` if there are several."""
    errors: list[list[Any]] = []
    confusions: list[list[Any]] = []
    for section, why in zip(comparison.sections, whys, strict=True):
        for account in why.accounts:
            errors += [[section.name, account.name, *row] for row in account.errors]
            confusions += [[section.name, account.name, *row] for row in confusion_counts(account.confusion)]
    named: dict[str, Table] = {
        "configurations": configuration_table(comparison, [group for group in GROUPS if group != "setting"]),
        "pairs": pair_table(comparison),
        "errors": ([*_FIRST, "kind", "type", "misses", "false alarms", "errors"], errors),
        "confusion": ([*_FIRST, "annotated", "found", "entities"], confusions),
        "left_out": (["run", "reason"], [[item.name, item.reason] for item in comparison.left_out]),
    }
    return {name: table for name, table in named.items() if table[1]}


def make_report(run: Run, comparison: Comparison) -> str | None:
    """Make a W&B Report of tables and verdicts beside the run; None, and a line in the log, if it cannot be made.

    Args:
        run: the run that the comparison was logged to.
        comparison: of `compare`.
    """
    if run.offline or run.disabled:
        log.info("No W&B Report: the run is offline.")
        return None
    try:
        import wandb_workspaces.reports.v2 as reports
    except ImportError:
        log.info("No W&B Report: it needs wandb-workspaces: pip install 'wandb[workspaces]'")
        return None
    try:
        report = reports.Report(
            entity=run.entity,
            project=run.project,
            title=f"Comparison of {comparison.n_runs} runs",
            description=f"Made by ner_lightning, run {run.name}",
            blocks=[
                reports.MarkdownBlock(text=render_markdown(comparison)),
                reports.PanelGrid(
                    runsets=[reports.Runset(entity=run.entity, project=run.project, name="runs")],
                    panels=[reports.LinePlot(x="trainer/global_step", y=["val/f1"])],
                ),
            ],
        )
        report.save()
    except Exception as error:  # from W&B or its server; the comparison itself exists all the same
        log.warning("No W&B Report: %s", first_line(error))
        return None
    return str(report.url)


def _runs(comparison: Comparison) -> list[str]:
    return [run.name for section in comparison.sections for c in section.configurations.values() for run in c.runs][
        :100
    ]


def _shared(comparison: Comparison, key: str) -> str | None:
    """Return the value on which the loggers of all runs agree."""
    values = {
        ((run.config.get("logger") or {}).get("wandb") or {}).get(key)
        for section in comparison.sections
        for configuration in section.configurations.values()
        for run in configuration.runs
    }
    value = values.pop() if len(values) == 1 else None
    return None if value is None else str(value)


def _experiment(comparison: Comparison) -> str:
    """Return the group that runs have by default: their experiment."""
    names = {
        run.experiment for section in comparison.sections for c in section.configurations.values() for run in c.runs
    }
    return names.pop() if len(names) == 1 else JOB
