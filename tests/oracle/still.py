"""Encoders with nothing random in them."""

from __future__ import annotations

from torch import nn

from ner_lightning.model.encoder import Encoder


def without_dropout(encoder: Encoder) -> Encoder:
    """Training mode all through, so that the path of training is taken, with nothing random in it."""
    encoder.train()
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in ("dropout_prob", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return encoder
