import pytest
import torch

from ner_lightning.errors import UserError
from ner_lightning.hardware import check_hardware


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accelerator": "gpu"}, "no GPU is to be seen here; use trainer=cpu"),
        ({"precision": "16-mixed"}, "float16 needs a GPU"),
        ({"precision": "16-true"}, "float16 needs a GPU"),
        ({"strategy": "fsdp"}, "use trainer=ddp_cpu"),
        ({"strategy": "deepspeed_stage_2"}, "DeepSpeed is not installed"),
    ],
)
def test_what_cannot_run_here_is_refused(
    changes: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UserError, match=message):
        check_hardware({"accelerator": "cpu", "precision": "32-true", "strategy": "auto", "devices": 1, **changes})


def test_bfloat16_on_a_cpu_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="slower than 32-true"):
        check_hardware({"accelerator": "cpu", "precision": "bf16-mixed", "strategy": "auto"})


def test_a_gpu_may_do_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_hardware({"accelerator": "gpu", "precision": "16-mixed", "strategy": "fsdp", "devices": "auto"})


def test_more_gpus_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match="asks for 4 GPUs, there are 2 here"):
        check_hardware({"accelerator": "gpu", "precision": "32-true", "strategy": "ddp", "devices": 4})
