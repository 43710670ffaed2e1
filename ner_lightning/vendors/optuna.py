"""What of Optuna is private and used all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna


def trial_of(study: optuna.Study, number: int) -> optuna.Trial:
    """Return a trial of a study to go on with, in whichever process it was asked for.

    `Study.ask` gives new trials alone; one that runs already is known by its number in the storage.
    """
    import optuna

    return optuna.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)
