"""Private parts of Optuna that we use nevertheless."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna


def trial_of(study: optuna.Study, number: int) -> optuna.Trial:
    """Return a trial of a study to continue, whichever process it was started in.

    `Study.ask` returns only new trials; one that is already running is found by its number in the storage.
    """
    import optuna

    return optuna.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)
