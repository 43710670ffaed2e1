from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ner_lightning.reproduction.verdict import compare_results


def run_folder(
    folder: Path, f1: float = 0.5, lines: tuple[str, ...] = ("a", "b"), result: Any = (), record: Any = ()
) -> Path:
    (folder / "predictions").mkdir(parents=True)
    (folder / "predictions" / "test.jsonl").write_text("".join(f"{line}\n" for line in lines))
    best = {"checkpoint": str(folder / "best.ckpt"), "test/f1": f1}
    (folder / "result.json").write_text(json.dumps({"best": best, "setup": {"threads": 1}, **dict(result)}))
    facts = {"python": "3.11", "packages": {"torch": "2.13", "idna": "3"}, **dict(record)}
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "config.yaml").write_text("seed: 1\n")
    return folder


def test_equal_scores_and_predictions_are_the_same_wherever_they_stand(tmp_path: Path) -> None:
    verdict = compare_results(run_folder(tmp_path / "a"), run_folder(tmp_path / "b"))
    assert verdict.same
    assert verdict.lines() == ["The same: every score and every stored prediction."]


def test_a_score_that_differs_is_shown_with_what_else_differs(tmp_path: Path) -> None:
    packages = {"torch": "2.14", "idna": "4"}
    new = run_folder(tmp_path / "b", 0.6, ("a", "c"), {"setup": {"threads": 2}}, {"packages": packages})
    verdict = compare_results(run_folder(tmp_path / "a"), new)
    assert not verdict.same
    assert verdict.lines() == [
        "Not the same.",
        "  test/f1: 0.500000 before, 0.600000 now",
        "  test: 1 of 2 sentences are tagged otherwise, or with another probability",
        "  torch: 2.13 before, 2.14 now",
        "  and 1 other packages in another version",
        "  threads: 1 before, 2 now",
    ]


def test_a_prediction_alone_can_differ(tmp_path: Path) -> None:
    verdict = compare_results(run_folder(tmp_path / "a"), run_folder(tmp_path / "b", lines=("a", "b", "c")))
    assert (verdict.same, verdict.scores, verdict.predictions) == (False, {}, {"test": (1, 3)})
    assert "Nothing that is recorded differs" in verdict.lines()[-1]


def test_predictions_that_are_missing_count_as_different(tmp_path: Path) -> None:
    new = run_folder(tmp_path / "b")
    (new / "predictions" / "test.jsonl").unlink()
    assert compare_results(run_folder(tmp_path / "a"), new).predictions == {"test": (2, 2)}


def test_other_data_are_named(tmp_path: Path) -> None:
    old = run_folder(tmp_path / "a", result={"data": {"train": "12ab"}, "resumed_from": "x"})
    new = run_folder(tmp_path / "b", 0.6, result={"data": {"train": "34cd"}})
    told = compare_results(old, new).circumstances
    assert "data of train: 12ab before, 34cd now" in told
    assert "the stored run had been interrupted and resumed" in told
