from __future__ import annotations

import pytest

from ner_lightning.errors import UserError
from ner_lightning.targets import ALLOW, check_targets


@pytest.mark.parametrize(
    "target",
    [
        "ner_lightning.model.decoder.crf.CRF",
        "ner_lightning.data.readers.conll.ConllReader",
        "pytorch_lightning.Trainer",
        "pytorch_lightning.callbacks.EarlyStopping",
        "pytorch_lightning.loggers.CSVLogger",
        "pytorch_lightning.strategies.DDPStrategy",
        "pytorch_lightning.profilers.SimpleProfiler",
    ],
)
def test_what_belongs_to_a_run_is_let_in(target: str) -> None:
    check_targets({"a": {"b": [{"_target_": target}]}})


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "torch.load",
        "hydra.utils.call",
        # the long way round to the same functions
        "ner_lightning.door.sys.exit",
        "ner_lightning.command_line.source.Path",
        "ner_lightning.data.subprocess.Popen",
        "ner_lightning.model.decoder.crf.CRF.load_state_dict",
        "pytorch_lightning.callbacks.timer.timedelta",
        "pytorch_lightning.strategies.launchers.subprocess_script.subprocess.Popen",
        "pytorch_lightning.Trainer.fit",
        "ner_lightning",
        "",
    ],
)
def test_everything_else_is_not(target: str) -> None:
    with pytest.raises(UserError, match=r"^a\.0\._target_: "):
        check_targets({"a": [{"_target_": target}]})


def test_a_target_is_found_inside_the_arguments_of_another() -> None:
    inner = {"_target_": "os.system", "command": "ls"}
    with pytest.raises(UserError, match=r"trainer\.callbacks\.1\.x\._target_: os\.system is not allowed"):
        check_targets({"trainer": {"_target_": "pytorch_lightning.Trainer", "callbacks": [1, {"x": inner}]}})


def test_a_target_that_is_no_text() -> None:
    with pytest.raises(UserError, match="expected the dotted name of a class, received 3"):
        check_targets({"_target_": 3})


def test_the_users_own_package_is_let_in_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {"_target_": "my_package.readers.Reader"}
    with pytest.raises(UserError, match=f"if it is yours, set {ALLOW}=my_package. in the environment"):
        check_targets(mine)
    monkeypatch.setenv(ALLOW, "other., my_package.,")
    check_targets(mine)
    with pytest.raises(UserError):
        check_targets({"_target_": "my_package_of_somebody_else.Reader"})
