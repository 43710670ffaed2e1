import pytest
import torch

from ner_lightning.errors import UserError
from ner_lightning.trainer.hardware import check_hardware, cpu_instructions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accelerator": "gpu"}, "no GPU is to be seen here; use trainer=cpu"),
        ({"precision": "16-mixed"}, "float16 needs a GPU"),
        ({"precision": "16-true"}, "float16 needs a GPU"),
        ({"strategy": "fsdp"}, "fsdp: not kept up here; trainer=fsdp2 shards too"),
        ({"strategy": "fsdp2", "precision": "16-mixed"}, "FSDP2 takes 32-true, bf16-mixed, bf16-true, 16-true"),
        ({"strategy": "deepspeed_stage_2"}, "deepspeed_stage_2: not kept up here; trainer=fsdp2 shards too"),
    ],
)
def test_what_cannot_run_here_is_refused(
    changes: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UserError, match=message):
        check_hardware({"accelerator": "cpu", "precision": "32-true", "strategy": "auto", "devices": 1, **changes})


def test_fsdp2_runs_on_cpus() -> None:
    check_hardware({"accelerator": "cpu", "precision": "32-true", "strategy": "fsdp2", "devices": 2})


BF16_ON_CPU = {"accelerator": "cpu", "precision": "bf16-mixed", "strategy": "auto"}


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        ({"avx2": True, "amx_bf16": False}, r"bf16-mixed: this CPU has neither AMX nor AVX512_BF16, .* 7\.7 times"),
        (
            {"avx512_bf16": True, "amx_bf16": False},
            r"bf16-mixed: this CPU has AVX512_BF16 but no AMX, .* 1\.4 to 1\.6 times",
        ),
    ],
)
def test_bfloat16_is_warned_of_once_where_the_cpu_has_no_matrix_units_for_it(
    instructions: dict[str, bool], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions, raising=False)
    with pytest.warns(UserWarning, match=message) as caught:
        check_hardware(BF16_ON_CPU)
    assert len(caught) == 1


@pytest.mark.parametrize("instruction", ["amx_bf16", "bf16"])
def test_bfloat16_is_no_matter_where_the_cpu_has_matrix_units(
    instruction: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instruction: True}, raising=False)
    check_hardware(BF16_ON_CPU)
    assert not recwarn.list


def test_float32_is_no_matter_anywhere(monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    check_hardware({**BF16_ON_CPU, "precision": "32-true"})
    assert not recwarn.list


def test_older_releases_of_torch_are_asked_in_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert cpu_instructions() == {"amx_bf16"}


def test_a_gpu_may_do_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_hardware({"accelerator": "gpu", "precision": "16-mixed", "strategy": "ddp", "devices": "auto"})


def test_more_gpus_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match="asks for 4 GPUs, there are 2 here"):
        check_hardware({"accelerator": "gpu", "precision": "32-true", "strategy": "ddp", "devices": 4})
