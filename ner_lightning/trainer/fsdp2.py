"""`trainer=fsdp2`: the encoder's parameters are sharded over processes, those of projection and decoder copied.

Projection and decoder are only some thousand numbers, and are read outside the forward pass (by the CRF's loss, its
marginals, the warning that it has not moved); sharding them would gain nothing. Their gradients are averaged as in DDP.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from pytorch_lightning.strategies import ModelParallelStrategy, Strategy
from torch import Tensor, nn

from ner_lightning.trainer.effective_batch import world_size
from ner_lightning.trainer.options import with_defaults

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup
    from torch.distributed.device_mesh import DeviceMesh

STRATEGY = "fsdp2"
"""The value of `trainer.strategy` for this; Lightning has no name for it."""

_LAYER = re.compile(r"(.*\.)?layers?\.\d+")


class FSDP2Strategy(ModelParallelStrategy):
    """Lightning's strategy for FSDP2 on one axis; its checkpoints are whole, like those of any other run.

    Args:
        processes: of the run.
    """

    def __init__(self, processes: int) -> None:
        super().__init__(data_parallel_size=processes, tensor_parallel_size=1, save_distributed_checkpoint=False)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        """Load weights, and the state of the optimiser for a fit; a checkpoint of weights alone has none."""
        kept = self.optimizers
        assert self.lightning_module is not None
        if self.lightning_module.trainer.state.fn != "fit":
            self.optimizers = []
        try:
            return super().load_checkpoint(checkpoint_path, weights_only)
        finally:
            self.optimizers = kept


def strategy_of(trainer: Mapping[str, Any]) -> str | Strategy:
    """Return the Trainer's argument for the `strategy` of its node.

    Args:
        trainer: the trainer's node of the configuration.
    """
    asked = with_defaults(trainer)["strategy"]
    return FSDP2Strategy(world_size(trainer)) if asked == STRATEGY else asked


def shard(model: nn.Module, mesh: DeviceMesh) -> None:
    """Shard the encoder of a tagger over processes, layer by layer; nothing happens if it is sharded already.

    Args:
        model: a module with a child `encoder`; every process holds the same one.
        mesh: of the processes, one axis.
    """
    from torch.distributed.fsdp import fully_shard

    encoder = model.get_submodule("encoder")
    if is_sharded(model):
        return
    for layer in [module for name, module in encoder.named_modules() if _LAYER.fullmatch(name)]:
        fully_shard(layer, mesh=mesh)
    fully_shard(encoder, mesh=mesh)
    for parameter in copied(model):
        parameter.register_post_accumulate_grad_hook(partial(_average, group=mesh.get_group()))


def is_sharded(model: nn.Module) -> bool:
    """Tell whether `shard` has been applied to a tagger."""
    from torch.distributed.fsdp import FSDPModule

    return isinstance(model.get_submodule("encoder"), FSDPModule)


def copied(model: nn.Module) -> list[nn.Parameter]:
    """List the trainable parameters that every process holds whole: all but the encoder's."""
    return [p for name, p in model.named_parameters() if not name.startswith("encoder.") and p.requires_grad]


def clip_by_norm(parameters: Iterable[nn.Parameter], most: float) -> Tensor:
    """Scale gradients so that their norm over all parameters is at most `most`; returns the norm before.

    `torch.nn.utils.clip_grad_norm_` cannot handle sharded and whole parameters together. Costs one sum over processes.

    Args:
        parameters: each once; some may be sharded.
        most: largest norm allowed, in the units of the loss.
    """
    from torch.distributed.tensor import DTensor

    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    sharded = [gradient for gradient in gradients if isinstance(gradient, DTensor)]
    shards = [gradient.to_local() for gradient in sharded]
    whole = [gradient for gradient in gradients if not isinstance(gradient, DTensor)]
    square = nn.utils.get_total_norm(shards) ** 2
    torch.distributed.all_reduce(square, group=sharded[0].device_mesh.get_group())
    norm = (square + nn.utils.get_total_norm(whole) ** 2).sqrt()
    factor = (most / (norm + 1e-6)).clamp(max=1)  # as torch does
    for gradient in [*shards, *whole]:
        gradient.mul_(factor)
    return norm


def _average(parameter: Tensor, group: ProcessGroup) -> None:
    """Average a gradient over processes after a backward pass; what was averaged before stays the same."""
    if parameter.grad is not None:
        torch.distributed.all_reduce(parameter.grad, group=group)
        parameter.grad /= torch.distributed.get_world_size(group)
