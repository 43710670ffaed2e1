from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import cloudpickle
import pytest
from filelock import FileLock

from ner_lightning.command_line import arguments
from ner_lightning.command_line.preflight import preflight
from ner_lightning.errors import UserError
from ner_lightning.sweep import plan as plan_module
from ner_lightning.sweep.command import GridJobs
from ner_lightning.sweep.launchers import _words_of_launcher
from ner_lightning.sweep.manifest import Job
from ner_lightning.sweep.override_words import words_of_sweep
from ner_lightning.sweep.plan import SweepPlan, plan_sweep
from ner_lightning.sweep.pool import run_jobs
from tests.sweep.started import ROOT


def planned(folder: Path, *words: str) -> SweepPlan:
    return plan_sweep("train", arguments.parse(["-m", *words, f"paths.outputs={folder}"]))


def test_a_grid_is_every_combination_named_by_what_varies(tmp_path: Path) -> None:
    found = planned(
        tmp_path, "+experiment=crf", "optim.encoder_lr=3e-5,1e-4", "seed=range(1,3)", "trainer.max_epochs=1"
    )
    jobs = found.sweep.manifest.jobs()
    assert [*jobs] == [f"encoder_lr-{lr}+seed-{seed}" for lr in ("3e-05", "0.0001") for seed in (1, 2)]
    first = next(iter(jobs.values()))
    assert {"+experiment=crf", "optim.encoder_lr=3e-05", "seed=1", "trainer.max_epochs=1"} < {*first.overrides}
    assert (first.state, found.monitor, found.mode) == ("pending", "val/f1", "max")
    assert found.sweep.home.parent == tmp_path / "sweeps"
    assert found.sweep.manifest.about().varied == ("optim.encoder_lr", "seed")


def test_the_same_command_is_the_same_sweep_and_more_values_belong_to_it(tmp_path: Path) -> None:
    first, again, more = (planned(tmp_path, f"seed={seeds}") for seeds in ("1,2", "1,2", "1,2,3"))
    assert first.sweep.home == again.sweep.home == more.sweep.home
    assert [*more.sweep.manifest.jobs()] == ["seed-1", "seed-2", "seed-3"]
    assert planned(tmp_path, "seed=1,2", "trainer.max_epochs=9").sweep.home != first.sweep.home
    assert planned(tmp_path, "seed=1,2", "sweep.name=mine").sweep.home == tmp_path / "sweeps" / "mine"


def test_the_last_word_on_a_key_counts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing varies"):
        planned(tmp_path, "+sweep=lr", "seed=7", "optim.encoder_lr=1e-3")
    assert [*planned(tmp_path, "+sweep=lr", "seed=7", "optim.encoder_lr=1e-3,1e-2").sweep.manifest.jobs()] == [
        "encoder_lr-0.001",
        "encoder_lr-0.01",
    ]


def test_a_fixed_word_that_takes_the_place_of_a_sweep_is_told(tmp_path: Path) -> None:
    found = planned(tmp_path, "+sweep=lr", "optim.encoder_lr=1e-3")
    assert found.values.replaced == (
        "optim.encoder_lr=1e-3 for all jobs: it takes the place of optim.encoder_lr=1e-5,3e-5,1e-4,3e-4, "
        "which would vary",
    )
    assert planned(tmp_path, "+sweep=lr", "seed=7,8").values.replaced == ()
    assert planned(tmp_path, "seed=7", "seed=7,8").values.replaced == ()
    assert len(planned(tmp_path, "seed=7,8", "optim.encoder_lr=1e-4,1e-5", "seed=3").values.replaced) == 1


def test_hydras_own_words_go_where_they_mean_something(tmp_path: Path) -> None:
    of_jobs = ["hydra.verbose=true", "hydra.job.chdir=true", "hydra/job_logging=stdout", "+hydra.job.env_set.A=b"]
    typed = ["seed=1,2", *of_jobs, f"hydra.sweep.dir={tmp_path / 'mine'}", "hydra/launcher=basic"]
    found = planned(tmp_path, *typed)
    assert found.sweep.home == tmp_path / "mine"
    assert (tmp_path / "mine" / "manifest.jsonl").is_file()
    command = found.sweep.command("seed-1", ["seed=1"])
    assert command[3:7] == of_jobs
    assert command.index("hydra.job.chdir=true") < command.index("hydra.mode=RUN")
    assert not any(word.startswith(("hydra.sweep", "hydra/launcher")) for word in command)
    here = [*words_of_sweep(typed, found.sweep.flags), *_words_of_launcher(found)]
    assert here[0] == "seed=1,2"
    assert not {*of_jobs} & {*here}
    assert {"hydra/launcher=basic", "hydra.verbose=false", "hydra.job.chdir=false"} < {*here}


def test_a_folder_of_the_command_line_stays_in_it(tmp_path: Path) -> None:
    (tmp_path / "hydra.mine").mkdir()
    typed = ["--config-dir", str(tmp_path / "hydra.mine"), "seed=1,2"]
    found = planned(tmp_path, *typed)
    assert words_of_sweep(typed, found.sweep.flags) == typed


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hydra.sweep.subdir=a", r"hydra\.sweep\.subdir=a: jobs have folders named after their values"),
        ("hydra.run.dir=a", r"hydra\.run\.dir=a: that is the folder of a single run; write hydra\.sweep\.dir=FOLDER"),
    ],
)
def test_a_word_of_hydras_that_means_nothing_in_a_sweep_is_refused(word: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        planned(tmp_path, "seed=1,2", word)


@pytest.mark.parametrize(
    ("words", "seed", "lr"),
    [
        (("-m", "seed=3,4", "optim.encoder_lr=1e-3,1e-4"), "3", "0.001"),
        (("+sweep=lr",), "1", "1.0e-05"),
        (("--multirun", "seed=range(5,9)"), "5", None),
    ],
)
def test_the_configuration_of_a_sweep_is_shown_as_that_of_its_first_job(
    words: tuple[str, ...], seed: str, lr: str | None
) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "ner_lightning.train", *words, "--cfg", "job"], capture_output=True, text=True, cwd=ROOT
    )
    assert answer.returncode == 0, answer.stderr
    assert f"\nseed: {seed}\n" in answer.stdout
    assert lr is None or f"encoder_lr: {lr}\n" in answer.stdout
    assert answer.stderr.startswith("# A sweep: this is its first job, ")
    assert f"seed={seed}" in answer.stderr


def test_what_cannot_run_here_is_skipped_before_anything_starts(tmp_path: Path) -> None:
    words = ("trainer.precision=32-true,16-mixed", "trainer.strategy=auto,fsdp")
    jobs = planned(tmp_path, *words).sweep.manifest.jobs()
    reasons = {name: (job.state, (job.error or "").partition(":")[0]) for name, job in jobs.items()}
    assert reasons == {
        "precision-32-true+strategy-auto": ("pending", ""),
        "precision-32-true+strategy-fsdp": ("skipped", "trainer.strategy=fsdp"),
        "precision-16-mixed+strategy-auto": ("skipped", "trainer.precision=16-mixed"),
        "precision-16-mixed+strategy-fsdp": ("skipped", "trainer.strategy=fsdp"),
    }


def test_the_ready_made_grid_of_strategies_says_what_it_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "_gpus", lambda: 0)
    jobs = planned(tmp_path, "+sweep=lr_precision_strategy", "optim.encoder_lr=1e-5").sweep.manifest.jobs()
    reasons: dict[tuple[str, str], str] = {}
    for job in jobs.values():
        words = dict(word.split("=") for word in job.overrides)
        reasons[words["trainer"], words["trainer.precision"]] = (job.error or job.state).partition(";")[0]
    assert len(jobs) == len(reasons) == 6 * 3
    here = ("cpu", "ddp_cpu", "fsdp2_cpu")
    for precision in ("32-true", "bf16-mixed"):
        assert {name: reasons[name, precision] for name in here} == dict.fromkeys(here, "pending")
    float16 = "trainer.precision=16-mixed: float16 needs a GPU (Lightning would silently use bfloat16 instead)"
    fsdp2 = "trainer.precision=16-mixed: FSDP2 takes 32-true, bf16-mixed, bf16-true, 16-true"
    assert {name: reasons[name, "16-mixed"] for name in here} == {
        "cpu": float16,
        "ddp_cpu": float16,
        "fsdp2_cpu": fsdp2,
    }
    no_gpu = "trainer.accelerator=gpu: no GPU is to be seen here"
    assert {reasons[name, "32-true"] for name in ("gpu", "ddp", "fsdp2")} == {no_gpu}


def test_on_two_gpus_the_same_grid_runs_most_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "_gpus", lambda: 2)
    jobs = planned(tmp_path, "+sweep=lr_precision_strategy", "optim.encoder_lr=1e-5").sweep.manifest.jobs()
    skipped = {name for name, job in jobs.items() if job.state == "skipped"}
    assert skipped == {f"precision-16-mixed+trainer-{name}" for name in ("cpu", "ddp_cpu", "fsdp2_cpu", "fsdp2")}


def test_what_stands_for_a_value_of_the_run_is_left_to_each_run(tmp_path: Path) -> None:
    """Not resolved on the way: in each job it is the rate of that job, and its own folder."""
    folder = "+callbacks.x={_target_:ner_lightning.callbacks.predictions.SavePredictions,folder:'${paths.output_dir}'}"
    typed = ["-m", "optim.crf_lr=0.1,0.2", "optim.head_lr=${optim.crf_lr}", folder]
    assert preflight("train", arguments.parse(typed), isolated=True)
    found = planned(tmp_path, *typed[1:])
    for rate, job in zip((0.1, 0.2), found.values.jobs().values(), strict=True):
        assert "optim.head_lr=${optim.crf_lr}" in job
        config = found.composer.compose_job(job)
        assert (config["optim"]["head_lr"], config["callbacks"]["x"]["folder"]) == (rate, ".")
    assert [job.overrides for job in found.sweep.manifest.jobs().values()] == [*found.values.jobs().values()]


def test_a_plan_goes_to_the_processes_of_a_launcher(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=1,2")
    found.composer.compose_job(found.values.jobs()["seed-1"])  # with all that it remembers
    there = cloudpickle.loads(cloudpickle.dumps(found))
    assert (there.names, there.sweep.home) == (found.names, found.sweep.home)


DELETED = ("accelerator", "devices", "strategy", "precision", "accumulate_grad_batches", "enable_progress_bar")


@pytest.mark.parametrize("key", [*(f"trainer.{name}" for name in DELETED), "data.batch_size", "callbacks.checkpoint"])
def test_a_deleted_key_has_the_value_of_its_class(key: str, tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=1,2", f"~{key}", "sweep.workers=2")
    assert {job.state for job in found.sweep.manifest.jobs().values()} == {"pending"}
    assert found.composer.compose_job(found.values.jobs()["seed-1"])["seed"] == 1
    assert f"~{key}" in found.sweep.command("seed-1", found.values.jobs()["seed-1"])


def test_a_batch_that_is_to_be_held_must_be_known(tmp_path: Path) -> None:
    jobs = planned(tmp_path, "seed=1,2", "~data.batch_size", "sweep.effective_batch=8").sweep.manifest.jobs()
    assert {job.state for job in jobs.values()} == {"skipped"}
    assert "data.batch_size has been deleted" in (jobs["seed-1"].error or "")


def test_values_that_do_not_go_together_fail_alone(tmp_path: Path) -> None:
    """Each of them alone has been looked at before the sweep starts."""
    found = planned(tmp_path, "model/decoder=crf,softmax", "++model.decoder.init=uniform,bigrams")
    grid, ran = GridJobs(found, print), list[str]()
    object.__setattr__(found.sweep, "run", lambda name, *_: ran.append(name) or Job(name, state="finished"))
    run_jobs(grid, 2)
    jobs = found.sweep.manifest.jobs()
    assert {name.partition("+")[0] for name in ran} == {"model-decoder-crf"}
    failed = {name: job.error or "" for name, job in jobs.items() if job.state == "failed"}
    assert {name.partition("+")[0] for name in failed} == {"model-decoder-softmax"}
    assert all("takes no init" in error for error in failed.values())
    assert not found.went_well


def test_a_batch_that_cannot_be_shared_and_several_machines_are_skipped(tmp_path: Path) -> None:
    words = ("sweep.effective_batch=32", "trainer=ddp_cpu", "trainer.devices=2,3")
    jobs = planned(tmp_path, *words).sweep.manifest.jobs()
    assert [job.state for job in jobs.values()] == ["pending", "skipped"]
    assert "3 processes cannot share 32 sentences evenly" in (jobs["devices-3"].error or "")
    jobs = planned(tmp_path, "+trainer.num_nodes=1,2").sweep.manifest.jobs()
    assert [(job.error or job.state).partition(":")[0] for job in jobs.values()] == ["pending", "trainer.num_nodes=2"]


def test_a_command_answers_for_its_own_jobs_alone(tmp_path: Path) -> None:
    found = planned(tmp_path, "seed=1,2", "sweep.name=s")
    manifest = found.sweep.manifest
    assert not found.went_well  # nothing has run
    manifest.register([Job("seed-9", state="failed")])  # of an earlier command
    manifest.change("seed-1", state="finished")
    manifest.change("seed-2", state="skipped")
    assert found.names == ["seed-1", "seed-2"]
    assert found.went_well
    for state in ("running", "interrupted", "failed", "pending"):
        manifest.change("seed-2", state=state)
        assert not found.went_well


@pytest.mark.parametrize(("end", "left"), [("finished", set()), ("failed", set()), ("running", {"seed-2"})])
def test_a_command_waits_for_jobs_of_another_and_takes_over_what_that_leaves(
    end: str, left: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = planned(tmp_path, "seed=1,2", "sweep.name=s")
    manifest, said = found.sweep.manifest, list[str]()
    assert found.of_others == []
    lock = FileLock(found.sweep.home / ".locks" / "seed-2.lock", thread_local=False)
    lock.acquire()
    manifest.change("seed-2", state="running")

    def come_to_an_end() -> None:
        manifest.change("seed-2", state=end)
        lock.release()

    threading.Timer(1.5, come_to_an_end).start()
    before, run = time.monotonic(), []
    assert found.of_others == ["seed-2"]
    grid = GridJobs(found, said.append, found.of_others)
    monkeypatch.setattr(grid, "_run", run.append)
    run_jobs(grid, 2)
    assert {*run} == left
    assert time.monotonic() - before > 1
    assert said == ["Waiting for seed-2: another process runs it"]


def test_a_range_needs_a_search(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"optim.encoder_lr=.*a range has no list of values; add \+sweep=optuna_lr"):
        planned(tmp_path, "optim.encoder_lr=interval(1e-5,1e-3)")
    found = planned(tmp_path, "+sweep=optuna_lr", "model.pooling=first,mean", "sweep.workers=2")
    assert {*found.values.ranges} == {"optim.encoder_lr", "optim.head_lr"}
    assert found.values.varied == {"model.pooling": ("model.pooling=first", "model.pooling=mean")}
    assert found.sweep.side_by_side == 2
    assert found.sweep.manifest.jobs() == {}


@pytest.mark.parametrize("key", ["threads", "memory", "effective_batch"])
def test_a_number_that_cannot_be_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"sweep.{key}=0: expected a number above 0"):
        planned(tmp_path, "seed=1,2", f"sweep.{key}=0")


def test_the_flags_of_the_command_go_to_every_job(tmp_path: Path) -> None:
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "mine.yaml").write_text("# @package _global_\nname: mine\n")
    found = planned(tmp_path, "--config-dir", str(tmp_path / "mine"), "+experiment=mine", "seed=1,2")
    assert found.sweep.flags == ("--config-dir", str(tmp_path / "mine"))
    assert found.sweep.home.name.startswith("mine-seed-")


def test_planning_a_sweep_on_the_cpu_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from ner_lightning.command_line import arguments\n"
        "from ner_lightning.sweep.plan import plan_sweep\n"
        "import ner_lightning.sweep.jobs_table, ner_lightning.sweep_status, ner_lightning.sweep.search\n"
        f"plan_sweep('train', arguments.parse(['-m', 'seed=1,2', 'paths.outputs={tmp_path}']))\n"
        "sys.exit(', '.join({'torch', 'optuna', 'matplotlib'} & sys.modules.keys()) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_secret_that_varies_is_refused_before_it_names_a_folder(tmp_path: Path) -> None:
    for word in ("+hub_token=hunter2hunter2,hunter3hunter3", "name='https://a:b@h/x','https://a:c@h/x'"):
        with pytest.raises(UserError, match=r"a secret cannot vary in a sweep"):
            planned(tmp_path, word)
    assert [*tmp_path.iterdir()] == []


def test_with_another_token_it_is_the_same_sweep_and_no_record_has_it(tmp_path: Path) -> None:
    first, again = (planned(tmp_path, "seed=1,2", f"+hub_token=hunter{n}hunter{n}") for n in (2, 3))
    assert first.sweep.home == again.sweep.home
    assert "+hub_token=hunter3hunter3" in again.values.fixed, "the jobs get it"
    for file in first.sweep.home.iterdir():
        assert b"hunter" not in file.read_bytes()
    assert "+hub_token=(hidden)" in first.sweep.manifest.jobs()["seed-1"].overrides
    assert "+hub_token=(hidden)" in first.sweep.manifest.about().fixed
