import pytest
import torch

from ner_lightning.functional.crf.backend import choose_backend, full_precision, wide


def test_auto_is_compiled_on_the_cpu_and_torch_elsewhere():
    assert choose_backend("auto", torch.zeros(1)) == "numba"
    assert choose_backend("auto", torch.zeros(1, device="meta")) == "torch"


def test_compiled_kernels_refuse_other_devices():
    with pytest.raises(ValueError, match="expected tensors on the CPU for backend 'numba', got meta"):
        choose_backend("numba", torch.zeros(1, device="meta"))


def test_unknown_backends_are_refused():
    with pytest.raises(ValueError, match="got 'cuda'"):
        choose_backend("cuda", torch.zeros(1))


def test_full_precision_leaves_autocast_as_it_was():
    with torch.autocast("cpu", torch.bfloat16):
        with full_precision(torch.zeros(1)):
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_enabled("cpu")


def test_nothing_is_computed_narrower_than_float32():
    assert {wide(kind) for kind in (torch.float16, torch.bfloat16, torch.float32)} == {torch.float32}
