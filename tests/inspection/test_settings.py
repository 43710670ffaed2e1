"""Reasons to fail and their limits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ner_lightning.errors import UserError
from ner_lightning.inspection.catalogue import FINDINGS, NAMES
from ner_lightning.inspection.findings.sentences import CONFLICTS, LEAKAGE
from ner_lightning.inspection.settings import InspectionSettings
from tests.conf.tree import CONF, complete


def test_the_limits_of_the_yaml_are_those_of_the_findings() -> None:
    assert complete("inspect")["inspection"]["limits"] == {kind.name: kind.limit for kind in FINDINGS}
    commented = re.findall(r"^    (\w+): [\d.]+ +# .+$", (CONF / "inspect.yaml").read_text("utf-8"), flags=re.M)
    assert commented == list(NAMES)


def test_the_page_lists_the_findings_and_their_limits() -> None:
    page = (Path(__file__).parents[2] / "docs" / "inspection.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\d.]+) \|", page, flags=re.M)
    assert [(name, float(limit)) for name, limit in listed] == [(kind.name, kind.limit) for kind in FINDINGS]


def test_names_and_titles_are_one_of_a_kind() -> None:
    assert len({*NAMES}) == len({kind.title for kind in FINDINGS}) == len(FINDINGS)


def test_a_limit_that_is_asked_for_goes_before_that_of_the_finding() -> None:
    settings = InspectionSettings(limits={"leakage": 0.25})
    assert (settings.limit_of(LEAKAGE), settings.limit_of(CONFLICTS)) == (0.25, CONFLICTS.limit)


@pytest.mark.parametrize("share", [-0.1, 1.1, 5, float("nan"), True, "much", None])
def test_a_limit_is_a_share(share: Any) -> None:
    with pytest.raises(UserError, match=r"inspection\.limits\.conflicts=.*expected a share from 0 to 1"):
        InspectionSettings(limits={"conflicts": share})


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(UserError, match="fail_on=leak: there is no such finding; choose of leakage, "):
        InspectionSettings(fail_on=["leak"])
    with pytest.raises(UserError, match=r"inspection\.limits=leak: there is no such finding"):
        InspectionSettings(limits={"leak": 0.5})
    with pytest.raises(UserError, match=r"inspection\.rare=0: expected a whole number from 1 on"):
        InspectionSettings(rare=0)
    with pytest.raises(UserError, match=r"inspection\.listed=-1"):
        InspectionSettings(listed=-1)
