"""Whatever the words name is found once; what cannot be compared is listed with its reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ner_lightning.comparison.runs.collect import collect
from ner_lightning.errors import UserError
from tests.comparison.folders import CONFIG, gold_sentences, predicted, with_settings, write_run, write_sweep
from tests.storage.test_yaml_files import laughs


def names(found: object) -> list[str]:
    return [Path(item.name).name for item in found]  # type: ignore[attr-defined]


def test_a_sweep_folder_a_glob_a_run_and_a_file_of_it_name_runs_once(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "sweep", seeds=(1, 2))
    found = collect([str(sweep / "crf-*"), str(sweep), str(sweep / "crf-1"), str(sweep / "crf-1" / "result.json")])
    assert names(found.runs) == ["crf-1", "crf-2", "softmax-1", "softmax-2"]
    assert found.left_out == []


ODD = {
    "result.json": [
        '{"best": {"test/f1": 0.5}, "seconds": "long"}',
        '{"best": {"test/f1": 0.5}, "setup": 3}',
        '{"best": {"test/f1": ' + "9" * 400 + "}}",
        '{"best": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    "run.json": ['{"packages": 3}', '{"git": "main"}', "[" * 100_000],
    "config.yaml": ["data: [1]", "paths: here", "callbacks: 3", "sweep: x"],
}


@pytest.mark.parametrize("file", ODD)
def test_a_run_of_other_types_than_ours_stops_no_other(tmp_path: Path, file: str) -> None:
    gold = predicted(gold_sentences(), 0.5, 1)
    write_run(tmp_path / "good", CONFIG, gold)
    for number, text in enumerate(ODD[file]):
        (write_run(tmp_path / f"odd{number}", CONFIG, gold) / file).write_text(text)
    found = collect([str(tmp_path)])
    assert names(found.runs) == ["good"]
    assert names(found.left_out) == [f"odd{number}" for number in range(len(ODD[file]))]
    assert all("damaged" in item.reason for item in found.left_out)


def test_a_damaged_curve_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", CONFIG, None)
    (run / "metrics.csv").write_bytes(b"epoch,step,val/f1\n0,1,0.5\n1,2,\xff\x00\x00\n")
    assert collect([str(run)]).runs[0].curve()[0] == {"epoch": 0.0, "step": 1.0, "val/f1": 0.5}


def test_damaged_and_half_written_runs_are_listed_with_their_reason(tmp_path: Path) -> None:
    gold = predicted(gold_sentences(), 0.5, 1)
    write_run(tmp_path / "good", CONFIG, gold)
    (write_run(tmp_path / "half", CONFIG, gold) / "result.json").unlink()
    (write_run(tmp_path / "cut", CONFIG, gold) / "result.json").write_text('{"best": {"test')
    (write_run(tmp_path / "list", CONFIG, gold) / "result.json").write_text("[]")
    (write_run(tmp_path / "yaml", CONFIG, gold) / "config.yaml").write_text("a: [")
    (write_run(tmp_path / "laughs", CONFIG, gold) / "config.yaml").write_text(laughs(40))
    (write_run(tmp_path / "bare", CONFIG, gold) / "config.yaml").unlink()
    (write_run(tmp_path / "record", CONFIG, gold) / "run.json").write_bytes(b"\xff")
    evaluation = write_run(tmp_path / "evaluation", CONFIG, gold)
    (evaluation / "result.json").write_text(json.dumps({"scores": {"test/f1": 1.0}}))
    found = collect([str(tmp_path)])
    assert names(found.runs) == ["good"]
    reasons = {Path(item.name).name: item.reason for item in found.left_out}
    assert reasons["half"] == "it was not finished: no result.json"
    assert reasons["cut"].startswith("result.json is damaged (")
    assert reasons["list"].endswith("(expected an object, found list)")
    assert reasons["yaml"].startswith("config.yaml is damaged (")
    assert "stands for more than" in reasons["laughs"]
    assert reasons["bare"] == "no config.yaml: give the folder of a training run"
    assert reasons["record"].startswith("run.json is damaged (")
    assert reasons["evaluation"].startswith("result.json holds no scores of a training")


def test_jobs_of_a_sweep_without_a_result_are_listed_as_its_manifest_has_them(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "sweep", seeds=(1,))
    (sweep / "crf-2").mkdir()
    (sweep / "crf-2" / "config.yaml").write_text("seed: 2\n")
    write_run(sweep / "superseded" / "crf-1", CONFIG, None)
    jobs = [
        {"job": "crf-1", "state": "finished"},
        {"job": "crf-2", "state": "failed", "error": "ValueError: no"},
        {"job": "crf-3", "state": "skipped", "error": "float16 needs a GPU"},
        {"job": "crf-4", "state": "pruned", "error": None},
    ]
    lines = [*map(json.dumps, jobs), "{cut off"]
    (sweep / "manifest.jsonl").write_text("\n".join(lines))
    found = collect([str(sweep)])
    assert names(found.runs) == ["crf-1", "softmax-1"]
    assert [(Path(item.name).name, item.reason) for item in found.left_out] == [
        ("crf-2", "failed: ValueError: no"),
        ("crf-3", "skipped: float16 needs a GPU"),
        ("crf-4", "pruned"),
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no runs given"),
        (["nowhere"], "there is no such file or folder"),
        (["nowhere/*"], "matches nothing"),
        (["."], r"no run folder there \(a run folder holds config.yaml and result.json\)"),
        (["wandb:mine"], "expected wandb:ENTITY/PROJECT"),
    ],
)
def test_what_names_nothing_is_an_error(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        collect(words)


def test_a_run_whose_result_lacks_scores_of_the_split_is_still_read(tmp_path: Path) -> None:
    write_run(tmp_path / "a", with_settings(seed=4), None)
    (run,) = collect([str(tmp_path)]).runs
    assert (run.config["seed"], run.scores, run.predictions("test")) == (4, {}, None)
    assert [row["step"] for row in run.curve()] == [0, 10, 20, 30]
