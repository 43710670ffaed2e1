from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor

from ner_lightning.trainer.fsdp2 import FSDP2Strategy, clip_by_norm, copied, is_sharded, shard, strategy_of


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(7, 4)
        self.layer = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.embeddings(ids)
        for layer in self.layer:
            hidden = layer(hidden).tanh()
        return hidden


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.projection = Encoder(), nn.Linear(4, 3)
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.projection(self.encoder(ids))


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[DeviceMesh]:
    """A group of one process; two of them are in tests/trainer/test_fsdp2_runs.py."""
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    torch.distributed.destroy_process_group()


def test_the_encoder_is_sharded_and_nothing_else(mesh: DeviceMesh) -> None:
    model = Tagger()
    assert not is_sharded(model)
    shard(model, mesh)
    shard(model, mesh)  # before every stage of a trainer
    assert is_sharded(model)
    sharded = {name for name, parameter in model.named_parameters() if isinstance(parameter, DTensor)}
    assert sharded == {name for name, _ in model.named_parameters() if name.startswith("encoder.")}
    assert type(model.encoder.layer[0]).__name__ == "FSDPLinear", "gathered layer by layer"
    assert [*map(id, copied(model))] == [*map(id, model.projection.parameters())]


@pytest.mark.parametrize("most", [0.01, 1e6])
def test_gradients_are_clipped_by_the_norm_over_all(most: float, mesh: DeviceMesh) -> None:
    model = Tagger()
    plain = copy.deepcopy(model)
    shard(model, mesh)
    ids = torch.tensor([[1, 2, 3]])
    for each in (model, plain):
        each(ids).square().sum().backward()
    norm = clip_by_norm(model.parameters(), most)
    assert norm.item() == pytest.approx(nn.utils.clip_grad_norm_(plain.parameters(), most).item())
    for (name, ours), theirs in zip(model.named_parameters(), plain.parameters(), strict=True):
        if theirs.grad is None:
            assert ours.grad is None
            continue
        gradient = ours.grad.full_tensor() if isinstance(ours.grad, DTensor) else ours.grad
        torch.testing.assert_close(gradient, theirs.grad, msg=name)


def test_the_trainer_gets_a_strategy_for_the_one_it_does_not_know() -> None:
    node = {"accelerator": "cpu", "devices": 2, "strategy": "fsdp2"}
    strategy = strategy_of(node)
    assert isinstance(strategy, FSDP2Strategy)
    assert strategy._data_parallel_size == 2
    assert not strategy._save_distributed_checkpoint
    assert strategy_of({**node, "strategy": "ddp"}) == "ddp"
