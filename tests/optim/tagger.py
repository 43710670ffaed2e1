"""A tagger small enough to read: the children and parameter names of the real one, and a CRF from pytorch-crf."""

from __future__ import annotations

import torch
from torch import nn
from torchcrf import CRF


class OwnNorm(nn.Module):
    """A norm such as model libraries define for themselves; its weight has two dimensions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * x


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x + self.dense(x))


class Encoder(nn.Module):
    def __init__(self, width: int, n_layers: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(11, width)
        self.layer = nn.ModuleList(Layer(width) for _ in range(n_layers))
        self.final = OwnNorm(width)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.word_embeddings(ids)
        for layer in self.layer:
            x = layer(x)
        return self.final(x)


class Tagger(nn.Module):
    def __init__(self, crf: bool = True, n_layers: int = 3) -> None:
        super().__init__()
        self.encoder = Encoder(8, n_layers)
        self.projection = nn.Linear(8, 5)
        self.decoder = CRF(5, batch_first=True) if crf else nn.Identity()

    def loss(self, ids: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        emissions = self.projection(self.encoder(ids))
        if isinstance(self.decoder, CRF):
            return -self.decoder(emissions, tags, reduction="mean")
        return nn.functional.cross_entropy(emissions.flatten(0, 1), tags.flatten())


def tagger(crf: bool = True, n_layers: int = 3) -> Tagger:
    """The same weights at each call."""
    torch.manual_seed(0)
    return Tagger(crf, n_layers)


def adapted() -> Tagger:
    """A tagger whose frozen encoder has adapters, under the names that peft gives them."""
    model = tagger(n_layers=2)
    model.encoder.requires_grad_(False)
    for layer in model.encoder.layer:
        layer.dense.lora_A = nn.ModuleDict({"default": nn.Linear(8, 2, bias=False)})
    return model


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Word ids and tags."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 11, (4, 6), generator=generator), torch.randint(0, 5, (4, 6), generator=generator)
