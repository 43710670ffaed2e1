from pathlib import Path

import pytest

from ner_lightning.logger.metrics_file import MetricsFile


def write(folder: Path, steps: int, *rows: tuple[int, dict[str, float]]) -> str:
    file = MetricsFile(folder, steps)
    for step, values in rows:
        file.log_metrics(values, step)
        file.save()
    file.finalize("success")
    return (folder / "metrics.csv").read_text()


def test_a_resumed_run_goes_on_below(tmp_path: Path) -> None:
    write(tmp_path, 0, (0, {"a": 1.5}), (1, {"a": 2}), (2, {"a": 3, "b": 4}))
    assert write(tmp_path, 2, (2, {"a": 5}), (3, {"a": 6, "c": 7})) == "a,b,c,step\n1.5,,,0\n2,,,1\n5,,,2\n6,,7,3\n"


def test_a_run_that_begins_anew_forgets_the_old_one(tmp_path: Path) -> None:
    write(tmp_path, 0, (0, {"a": 1}))
    assert write(tmp_path, 0, (0, {"b": 2})) == "b,step\n2,0\n"


def test_a_line_that_a_kill_has_cut_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, 0, (0, {"a": 1}), (1, {"a": 2}))
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("3,1")  # of 3,10
    assert write(tmp_path, 2, (2, {"a": 4})) == "a,step\n1,0\n2,1\n4,2\n"


def test_a_kill_while_a_column_is_added_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write(tmp_path, 0, (0, {"a": 1}))

    def killed(*_: object) -> None:
        raise ProcessLookupError

    monkeypatch.setattr("csv.DictWriter.writerows", killed)
    with pytest.raises(ProcessLookupError):
        write(tmp_path, 1, (1, {"b": 1}))
    assert (tmp_path / "metrics.csv").read_text() == before


@pytest.mark.parametrize("damage", [b"\0" * 50 + b",\n", b"x,\n", b"\xff,\xfe,7\n", b"3,4,5,6,seven\n"])
def test_rows_that_a_power_cut_has_damaged_cost_no_others(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, 0, (0, {"a": 1}), (1, {"a": 2}))
    damaged = (tmp_path / "metrics.csv").read_bytes() + damage
    (tmp_path / "metrics.csv").write_bytes(damaged)
    assert write(tmp_path, 2, (2, {"a": 4})) == "a,step\n1,0\n2,1\n4,2\n"
    kept = tmp_path / "superseded" / "metrics.csv.1"
    assert kept.read_bytes() == damaged
    assert f"the old one is {kept}" in caplog.text


@pytest.mark.parametrize("left", [b"", b"\0" * 80, b"a,b\n1,2\n", b"\n\n"])
def test_a_file_of_which_nothing_is_left_is_begun_anew(left: bytes, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_bytes(left)
    assert write(tmp_path, 2, (2, {"a": 4})) == "a,step\n4,2\n"
