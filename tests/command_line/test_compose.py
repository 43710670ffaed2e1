from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from ner_lightning.command_line.compose import compose, conf_folder, hydra_session, is_sweep, sample_jobs


def runs(overrides: list[str], folder: Path | None = None) -> list[list[str]]:
    with hydra_session("train", str(folder) if folder else None) as hydra:
        found = list(sample_jobs(hydra, "train", overrides))
    assert all(words[-1] == "hydra.mode=RUN" for words in found)
    return [words[:-1] for words in found]


def test_every_value_is_seen_once_and_not_every_combination() -> None:
    found = runs(["seed=1,2,3", "model.pooling=first,mean", "name=x"])
    assert found == [
        ["name=x", "seed=1", "model.pooling=first"],
        ["name=x", "seed=2", "model.pooling=mean"],
        ["name=x", "seed=3", "model.pooling=mean"],
    ]


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("seed=range(1,4)", ["seed=1", "seed=2", "seed=3"]),
        ("seed=choice(5,7)", ["seed=5", "seed=7"]),
        ("optim.encoder_lr=interval(0.1,0.2)", ["optim.encoder_lr=0.1"]),
        ("model/decoder=glob(*)", ["model/decoder=crf", "model/decoder=softmax"]),
        ("name='a,b'", ["name='a,b'"]),
    ],
)
def test_each_kind_of_sweep_has_its_values(word: str, values: list[str]) -> None:
    assert [overrides for (overrides,) in runs([word])] == values


def test_a_sweep_in_a_file_is_found(mine: Path) -> None:
    with hydra_session("train", str(mine)) as hydra:
        assert is_sweep(hydra, "train", ["+sweep=rates"])
        assert is_sweep(hydra, "train", ["hydra.mode=MULTIRUN"])
        assert not is_sweep(hydra, "train", ["+experiment=mine"])
    assert [o for run in runs(["+sweep=rates"], mine) for o in run if "lr" in o] == [
        "optim.encoder_lr=1e-05",
        "optim.encoder_lr=fast",
    ]


def test_a_session_leaves_hydra_as_it_was() -> None:
    assert not GlobalHydra.instance().is_initialized()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        with hydra_session("predict") as hydra:
            assert compose(hydra, "predict", []).batch_size == 64
        assert hydra_compose("evaluate").name == "evaluate"
    assert not GlobalHydra.instance().is_initialized()


def test_our_files_win_over_the_users(tmp_path: Path) -> None:
    """As with `hydra.main`: `--config-dir` adds, it does not replace."""
    (tmp_path / "train.yaml").write_text("name: stolen\n")
    with hydra_session("train", str(tmp_path)) as hydra:
        assert compose(hydra, "train", []).name == "crf"
