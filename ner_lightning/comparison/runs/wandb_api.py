"""Read runs from a W&B server, by `entity/project` or `entity/project/group`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ner_lightning.comparison.runs.run import WANDB, FinishedRun, LeftOut, NotARun
from ner_lightning.comparison.runs.wandb_files import check_state, run_of
from ner_lightning.errors import first_line
from ner_lightning.run.reading import UnusableRun

SECONDS = 20
FAILURES = 3
"""Consecutive failures after which the server is not asked again."""


def read_online(place: str) -> Iterator[FinishedRun | LeftOut]:
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
        runs = list(_api().runs(f"{entity}/{project}", filters={"group": group} if group else {}, lazy=False))
    except UnusableRun:
        raise
    except Exception as error:  # W&B's own errors, those of requests, time-outs
        raise UnusableRun(f"W&B cannot be asked ({first_line(error)}); compare the run folders instead") from error
    if not runs:
        raise UnusableRun("no such project or group, or nothing in it")
    names = Counter(run.name for run in runs)
    failures = 0
    for run in runs:
        name = f"{WANDB}{place}/{run.name}" + (f" ({run.id})" if names[run.name] > 1 else "")
        if failures == FAILURES:
            yield LeftOut(name, f"not read: {FAILURES} runs before it could not be read")
            continue
        try:
            check_state(run.job_type or "", run.state, run.config)
            yield _run(name, run)
            failures = 0
        except NotARun:
            continue
        except UnusableRun as error:
            yield LeftOut(name, str(error))
        except Exception as error:  # one request that fails costs one run
            failures += 1
            yield LeftOut(name, f"W&B could not be read ({first_line(error)})")


def _api() -> Any:
    try:
        import wandb
    except ImportError as error:
        raise UnusableRun("reading it needs wandb: pip install wandb") from error
    if not wandb.login(prompt=False):
        raise UnusableRun("W&B has no key: run `wandb login`, or set WANDB_API_KEY")
    return wandb.Api(timeout=SECONDS)


def _run(name: str, run: Any) -> FinishedRun:
    history = [{k: float(v) for k, v in row.items() if isinstance(v, int | float)} for row in run.scan_history()]
    last: dict[str, float] = {}
    for row in history:
        last |= row
    return run_of(name, run.config, last, history, 0.0)
