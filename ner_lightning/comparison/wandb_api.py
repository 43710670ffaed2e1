"""Runs on a W&B server, by `entity/project` or `entity/project/group`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ner_lightning.comparison.collect import WANDB, LeftOut
from ner_lightning.comparison.run import NotARun, Run, UnusableRun
from ner_lightning.comparison.wandb_files import check_state, run_of

SECONDS = 20


def read_online(place: str) -> Iterator[Run | LeftOut]:
    """Read the runs of a project, or of a group in it.

    Args:
        place: `entity/project` or `entity/project/group`.

    Raises:
        UnusableRun: no such place, no key, no network.
    """
    entity, _, rest = place.partition("/")
    project, _, group = rest.partition("/")
    if not (entity and project):
        raise UnusableRun("expected wandb:ENTITY/PROJECT or wandb:ENTITY/PROJECT/GROUP")
    try:
        runs = list(_api().runs(f"{entity}/{project}", filters={"group": group} if group else {}))
    except UnusableRun:
        raise
    except Exception as error:  # W&B's own errors, those of requests, time-outs
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise UnusableRun(f"W&B cannot be asked ({first}); compare the run folders instead") from error
    if not runs:
        raise UnusableRun("no such project or group, or nothing in it")
    for run in runs:
        name = f"{WANDB}{place}/{run.name}"
        try:
            check_state(run.job_type or "", run.state)
            yield _run(name, run)
        except NotARun:
            continue
        except UnusableRun as error:
            yield LeftOut(name, str(error))


def _api() -> Any:
    try:
        import wandb
    except ImportError as error:
        raise UnusableRun("reading it needs wandb: pip install wandb") from error
    if not wandb.login(prompt=False):
        raise UnusableRun("W&B has no key: run `wandb login`, or set WANDB_API_KEY")
    return wandb.Api(timeout=SECONDS)


def _run(name: str, run: Any) -> Run:
    history = [{k: float(v) for k, v in row.items() if isinstance(v, int | float)} for row in run.scan_history()]
    last: dict[str, float] = {}
    for row in history:
        last |= row
    return run_of(name, run.config, last, history, 0.0)
