"""Reasons to fail and their limits."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ner_lightning.errors import UserError
from ner_lightning.inspection.catalogue import CATALOGUE
from ner_lightning.inspection.settings import REASONS, InspectionSettings, Limits


def test_every_reason_has_a_limit_and_a_description() -> None:
    assert [field.name for field in fields(Limits)] == list(REASONS) == list(CATALOGUE)
    assert Limits(leakage=0.25).of("leakage") == 0.25


@pytest.mark.parametrize("share", [-0.1, 1.1, 5])
def test_a_limit_is_a_share(share: float) -> None:
    with pytest.raises(UserError, match=r"inspection\.limits\.conflicts=.*expected a share from 0 to 1"):
        Limits(conflicts=share)


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(UserError, match="fail_on=leak: there is no such finding; choose of leakage, "):
        InspectionSettings(fail_on=["leak"])  # type: ignore[list-item]
    with pytest.raises(UserError, match=r"inspection\.rare=0: expected a whole number from 1 on"):
        InspectionSettings(rare=0)
    with pytest.raises(UserError, match=r"inspection\.listed=-1"):
        InspectionSettings(listed=-1)
