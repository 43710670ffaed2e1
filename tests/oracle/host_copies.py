"""Count where values of tensors come to Python."""

from __future__ import annotations

from torch.overrides import TorchFunctionMode


class HostCopies(TorchFunctionMode):
    """Counts what brings a tensor's values to Python; on a GPU each of them is a copy."""

    READS = ("cpu", "tolist", "item", "__bool__", "__int__", "__float__", "__index__", "__iter__")

    def __init__(self) -> None:
        super().__init__()
        self.copies = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.copies += getattr(function, "__name__", "") in self.READS
        return function(*args, **(kwargs or {}))
