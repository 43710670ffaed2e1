"""The why agrees with the counts it explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from ner_lightning.analysis.training_mentions import write_mentions
from ner_lightning.comparison.comparison import compare_runs
from ner_lightning.comparison.runs.collect import collect
from ner_lightning.comparison.section import Section, counts_of
from ner_lightning.comparison.settings import Settings
from ner_lightning.comparison.why import explain_difference
from tests.comparison.folders import write_sweep

FEW = Settings(samples=200)


@pytest.fixture
def section(tmp_path: Path) -> Section:
    write_mentions(write_sweep(tmp_path) / "crf-1" / "training_mentions.json", {("w1 w2", "LOC"): 3})
    (found,) = compare_runs(collect([str(tmp_path)]), FEW).sections
    return found


def test_errors_and_slices_sum_to_the_counts(section: Section) -> None:
    why = explain_difference(section, FEW)
    for account, configuration in zip(why.accounts, section.tested, strict=True):
        correct, found, gold = counts_of(configuration).sum(axis=(0, 1)) / len(configuration.replicates)
        everything = [row for row in account.errors if row.type == "all"]
        assert sum(row.misses for row in everything) == pytest.approx(gold - correct)
        assert sum(row.false_alarms for row in everything) == pytest.approx(found - correct)
        for name in {row.slice for row in account.slices}:
            assert sum(row.gold for row in account.slices if row.slice == name) == pytest.approx(gold)
        assert {"seen", "frequency"} <= {row.slice for row in account.slices}
        assert account.confusion.counts[:-1].sum() == pytest.approx(gold * len(configuration.replicates))


def test_the_best_is_held_against_the_next(section: Section) -> None:
    diff = explain_difference(section, FEW).diff
    assert diff is not None
    assert (diff.before, diff.after) == ("softmax", "crf")
    assert len(diff.fixed) == 30
    assert diff.n_fixed > diff.n_broken
    assert all(shift.after / 3 > shift.before / 3 for shift in diff.fixed)
    found, lost, _, _ = diff.totals
    crf, softmax = (counts_of(configuration)[..., 0].sum() / 3 for configuration in section.tested)
    assert found - lost == pytest.approx(crf - softmax)


def test_a_diff_the_other_way_round(section: Section) -> None:
    asked = Settings(samples=200, diff=("crf", "softmax"), listed=5)
    diff = explain_difference(section, asked).diff
    assert diff is not None
    assert (diff.before, diff.after, len(diff.broken)) == ("crf", "softmax", 5)


def test_the_hardest_are_wrong_in_most_runs(section: Section) -> None:
    why = explain_difference(section, FEW)
    assert why.hardest_runs == 6
    wrong = [item.wrong for item in why.hardest]
    assert wrong == sorted(wrong, reverse=True)
