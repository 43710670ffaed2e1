"""Low-rank adapters: the encoder is frozen, and each linear layer learns a small correction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from ner_lightning.errors import UserError

_IN_A_LAYER = re.compile(r"(^|\.)layers?\.\d+\.")


class LoRAError(UserError, ValueError):
    """The adapters cannot be made: an option outside its range, no layer of that name, or no `peft`."""


@dataclass(frozen=True, kw_only=True)
class LoRA:
    """Low-rank adapters of a frozen encoder's linear layers: y = W x + alpha / rank · B A x, where A and B learn.

    B begins at zero, so before the first step the encoder is the pretrained one.

    Args:
        rank: Rows of A and columns of B.
        alpha: Strength of the correction; it is divided by the rank.
        dropout: Share of x set to zero on its way to A, in training.
        targets: `auto` for every linear layer of the transformer layers, or the last parts of the wanted layers' paths:
            `[query, value]` (BERT), `[q_lin, v_lin]` (DistilBERT).

    Raises:
        LoRAError: An option is outside its range.

    Reference:
        E. Hu et al. LoRA: low-rank adaptation of large language models. ICLR 2022.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: Sequence[str] | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        self._require("rank", self.rank >= 1, "a whole number from 1 on")
        self._require("alpha", self.alpha > 0, "a number above 0")
        self._require("dropout", 0 <= self.dropout < 1, "a share in [0, 1)")
        named = not isinstance(self.targets, str) and len(self.targets) > 0
        self._require("targets", self.targets == "auto" or named, "auto, or a list of names")

    def add_to(self, model: nn.Module) -> None:
        """Put the adapters into a model, in place; everything else in it is frozen.

        Raises:
            LoRAError: `peft` is not installed, or no linear layer has one of the names.
        """
        try:
            from peft import LoraConfig, inject_adapter_in_model
        except ImportError as error:
            raise LoRAError(
                "model.encoder.lora needs the package peft: run `pip install 'ner-lightning[lora]'`, "
                "or set model.encoder.lora=null"
            ) from error
        config: Any = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,  # type: ignore[arg-type]  # it is only divided
            lora_dropout=self.dropout,
            target_modules=self._layers(model),
        )
        inject_adapter_in_model(config, model)

    def _layers(self, model: nn.Module) -> list[str]:
        linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
        if self.targets == "auto":
            found = [name for name in linear if _IN_A_LAYER.search(name)]
        else:
            ends = {target: [name for name in linear if f".{name}".endswith(f".{target}")] for target in self.targets}
            if absent := [target for target, names in ends.items() if not names]:
                known = sorted({name.rpartition(".")[2] for name in linear})
                raise LoRAError(
                    f"expected model.encoder.lora.targets to name linear layers of the encoder, found {absent[0]!r}; "
                    f"their names end in {', '.join(known)}"
                )
            found = sorted({name for names in ends.values() for name in names})
        if not found:
            raise LoRAError(
                f"model.encoder.lora.targets=auto finds no numbered layers in a {type(model).__name__}: name the "
                "linear layers that are to have adapters"
            )
        return found

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise LoRAError(f"expected model.encoder.lora.{name} to be {expected}, found {getattr(self, name)!r}")
