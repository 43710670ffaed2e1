"""Choose which kernel computes, from where the tensors are and what is installed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module
from typing import Literal, get_args

import torch
from torch import Tensor

Backend = Literal["auto", "torch", "numba", "reference"]


@cache
def numba_works() -> bool:
    """Tell whether the compiled CPU kernels can be imported; tried once."""
    try:
        import_module("ner_lightning.functional.crf.numba.partition")
    except ImportError:
        return False
    return True


def choose_backend(backend: Backend, tensor: Tensor) -> Literal["torch", "numba", "reference"]:
    """Resolve `auto`: numba for tensors on the CPU if it is installed, torch otherwise.

    Args:
        backend: `auto`, `torch`, `numba`, or `reference`, which is pytorch-crf itself.
        tensor: one of the tensors to compute with.

    Raises:
        ValueError: no such backend, or numba asked for tensors that are not on the CPU.
        ImportError: numba asked for and not installed.

    >>> choose_backend("torch", torch.zeros(1))
    'torch'
    """
    if backend not in get_args(Backend):
        raise ValueError(f"expected a backend of {', '.join(get_args(Backend))}, got {backend!r}")
    if backend == "auto":
        traced = torch.compiler.is_compiling() or torch.jit.is_tracing()
        return "numba" if tensor.device.type == "cpu" and not traced and numba_works() else "torch"
    if backend == "numba" and tensor.device.type != "cpu":
        raise ValueError(f"expected tensors on the CPU for backend 'numba', got {tensor.device}; use 'auto' or 'torch'")
    if backend == "numba" and not numba_works():
        raise ImportError("backend 'numba' needs numba: pip install 'ner-lightning[numba]', or use 'auto' or 'torch'")
    return backend


def refuse_second_derivative() -> None:
    """Refuse to be recorded by autograd: our backward passes have no derivative of their own.

    Raises:
        NotImplementedError: gradients are being recorded.
    """
    if torch.is_grad_enabled():
        raise NotImplementedError(
            "the CRF cannot be differentiated twice (create_graph=True); "
            "use backend='reference', whose steps autograd records"
        )


def wide(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype to compute in: float32 for anything narrower, else the same.

    >>> wide(torch.bfloat16), wide(torch.float64)
    (torch.float32, torch.float64)
    """
    return torch.float64 if dtype == torch.float64 else torch.float32


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """Switch autocast off where it is on: a sum of exponentials in half precision is silently wrong.

    >>> with torch.autocast("cpu", torch.bfloat16), full_precision(torch.zeros(1)):
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    kind = tensor.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()
