from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ner_lightning.errors import UserError
from ner_lightning.sweep.manifest import About, Job, Manifest


def write_many(folder: Path, name: str, times: int) -> None:
    manifest = Manifest(folder)
    for turn in range(times):
        manifest.change(name, state="running", attempts=turn + 1, metrics={"val/f1": turn / 100})


def test_a_job_is_one_line_whatever_happens_to_it(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.register([Job("a", ("seed=1",)), Job("b", ("seed=2",))])
    manifest.change("b", state="running", pid=7)
    manifest.change("a", state="finished", metrics={"val/f1": 0.5})
    lines = [json.loads(line) for line in manifest.path.read_text().splitlines()]
    assert [(line["job"], line["state"]) for line in lines] == [("a", "finished"), ("b", "running")]
    assert manifest.jobs()["a"].metrics == {"val/f1": 0.5}
    assert manifest.jobs()["b"].overrides == ("seed=2",)


def test_jobs_registered_again_keep_what_is_known_and_their_place(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.register([Job("a"), Job("b")])
    manifest.change("b", state="finished")
    manifest.register([Job("c"), Job("b"), Job("a")])
    assert {name: job.state for name, job in manifest.jobs().items()} == {
        "a": "pending",
        "b": "finished",
        "c": "pending",
    }
    assert [*manifest.jobs()] == ["a", "b", "c"]


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=write_many, args=(tmp_path, f"job-{i}", 25)) for i in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    jobs = Manifest(tmp_path).jobs()
    assert {name: job.attempts for name, job in jobs.items()} == {f"job-{i}": 25 for i in range(4)}


def test_a_line_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.register([Job("a"), Job("b")])
    with manifest.path.open("a") as file:
        file.write('{"job": "c", "stat\n[1]\n')
    assert [*manifest.jobs()] == ["a", "b"]


@pytest.mark.parametrize(
    "damage",
    [
        b'{"job": "c", "stat',
        bytes(300),
        b"\xff\xfe",
        b'{"job": "c", "state": "asleep"}',
        b'{"job": "c", "metrics": 3}',
        b'{"job": ["c"]}',
        b'{"job": "c", "seconds": null}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_manifest_is_kept_before_it_is_written_anew(
    damage: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = Manifest(tmp_path)
    manifest.register([Job("a"), Job("b")])
    manifest.path.write_bytes(damaged := manifest.path.read_bytes() + damage)
    assert [*manifest.jobs()] == ["a", "b"]
    manifest.change("b", state="finished")
    assert {name: job.state for name, job in manifest.jobs().items()} == {"a": "pending", "b": "finished"}
    kept = tmp_path / "superseded" / "manifest.jsonl.1"
    assert kept.read_bytes() == damaged
    assert f"1 damaged line left out; the old one is {kept}" in caplog.text
    manifest.change("a", state="finished")
    assert [*kept.parent.iterdir()] == [kept]


def test_what_some_take_for_the_end_of_a_line_costs_no_job(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.register([Job("a", error="one\u2028two\x85three"), Job("b")])
    assert manifest.jobs()["a"].error == "one\u2028two\x85three"


@pytest.mark.parametrize("left", ["", "{", "[1]", "null", '{"nam": 1}'])
def test_a_damaged_description_says_how_to_write_it_anew(left: str, tmp_path: Path) -> None:
    Manifest(tmp_path).register([Job("a")])
    (tmp_path / "sweep.json").write_text(left)
    with pytest.raises(UserError, match=r"sweep\.json: damaged; the command of the sweep, started again"):
        Manifest(tmp_path).about()


def test_a_key_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.path.write_text('{"job": "a", "state": "failed", "colour": "red"}\n')
    assert manifest.jobs()["a"].state == "failed"


def test_an_orphan_is_a_running_job_whose_process_is_gone(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    gone = multiprocessing.get_context("fork").Process(target=int)
    gone.start()
    gone.join()
    here = os.uname().nodename
    assert manifest.change("gone", state="running", pid=gone.pid, host=here).is_orphan
    with subprocess.Popen([sys.executable, "-c", "input()", "sweep.job='alive'"], stdin=subprocess.PIPE) as alive:
        assert not manifest.change("alive", state="running", pid=alive.pid, host=here).is_orphan
        assert manifest.change("another", state="running", pid=alive.pid, host=here).is_orphan, "a number used again"
        alive.kill()
    assert not manifest.change("elsewhere", state="running", pid=gone.pid, host="another machine").is_orphan
    assert not manifest.change("done", state="finished", pid=gone.pid, host=here).is_orphan


def test_a_folder_that_is_no_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not the folder of a sweep"):
        Manifest(tmp_path).about()
    about = About("lr", "val/f1", "max", ("seed",), ("+experiment=crf",))
    Manifest(tmp_path).describe(about)
    assert Manifest(tmp_path).about() == about
