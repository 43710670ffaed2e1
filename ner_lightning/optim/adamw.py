"""The AdamW recipe, described by `optim=adamw` in the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from ner_lightning.optim.groups import OptimizerError, parameter_groups
from ner_lightning.optim.schedule import SCHEDULES, schedule_factor, warmup_steps

_FUSED_DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """AdamW with a rate for each part of the model, and a warmup-and-decay schedule.

    Args:
        encoder_lr: Peak rate of the encoder, per step.
        head_lr: Peak rate of the projection and whatever else is neither encoder nor decoder.
        crf_lr: Peak rate of the CRF's transitions; unused by a softmax decoder, which has no parameters.
        adapter_lr: Peak rate of low-rank adapters in the encoder; unused without them.
        weight_decay: Decoupled weight decay, relative to the rate; never on biases, norms and transitions.
        layer_decay: Factor on the rate from one encoder layer to the next below, in (0, 1]; 1 is off.
        betas: Decay rates of the two moment averages.
        eps: Added to the denominator.
        schedule: `linear`, `cosine` or `constant` after the warmup.
        warmup: Share of all steps if below 1, else steps.
        fused: Use one kernel for the whole update. `auto`: where all parameters are floats on a CPU or CUDA device.

    Raises:
        OptimizerError: An option is outside its range.

    Reference:
        I. Loshchilov, F. Hutter. Decoupled weight decay regularization. ICLR 2019.
    """

    encoder_lr: float = 1e-4
    head_lr: float = 1e-3
    crf_lr: float = 1e-2
    adapter_lr: float = 1e-3
    weight_decay: float = 0.01
    layer_decay: float = 1.0
    betas: Sequence[float] = (0.9, 0.999)
    eps: float = 1e-8
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup: float = 0.1
    fused: bool | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        for name in ("encoder_lr", "head_lr", "crf_lr", "adapter_lr", "weight_decay", "eps"):
            self._require(name, getattr(self, name) >= 0, "a number from 0 on")
        self._require("layer_decay", 0 < self.layer_decay <= 1, "a factor above 0 and at most 1")
        self._require("betas", len(self.betas) == 2 and all(0 <= b < 1 for b in self.betas), "two numbers in [0, 1)")
        self._require("schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}")
        share_or_steps = 0 <= self.warmup < 1 or (self.warmup >= 1 and self.warmup == int(self.warmup))
        self._require("warmup", share_or_steps, "a share in [0, 1) or a whole number of steps")
        self._require("fused", self.fused in (True, False, "auto"), "auto, true or false")

    def build(self, model: nn.Module, total_steps: int) -> tuple[torch.optim.AdamW, LambdaLR]:
        """Make the optimiser and its scheduler; step the scheduler after every optimiser step.

        Args:
            model: A module with children `encoder`, `decoder` and others, on its final device.
            total_steps: Optimiser steps of the whole run.

        Returns:
            Optimiser and scheduler; their state dicts hold plain containers and tensors.

        Raises:
            OptimizerError: The number of steps is not known, or the model does not fit the groups.
        """
        if not 1 <= total_steps < float("inf"):
            raise OptimizerError(
                f"the schedule needs the number of optimiser steps, from 1 on, and got {total_steps}; "
                "set trainer.max_epochs or trainer.max_steps"
            )
        groups = parameter_groups(
            model,
            encoder_lr=self.encoder_lr,
            head_lr=self.head_lr,
            crf_lr=self.crf_lr,
            adapter_lr=self.adapter_lr,
            weight_decay=self.weight_decay,
            layer_decay=self.layer_decay,
        )
        beta1, beta2 = self.betas
        fused = _can_fuse(groups) if self.fused == "auto" else self.fused
        optimizer = torch.optim.AdamW(groups, betas=(beta1, beta2), eps=self.eps, fused=fused)
        # The fused kernel offers to unscale gradients itself. Lightning then refuses gradient clipping in every mixed
        # precision, even bf16, which scales nothing. We decline, so gradients are unscaled before clipping as usual.
        optimizer._step_supports_amp_scaling = False
        # A partial, whose arguments are not saved: a resumed run may be longer, and must not get its old length back.
        factor = partial(
            schedule_factor,
            schedule=self.schedule,
            warmup_steps=warmup_steps(self.warmup, total_steps),
            total_steps=total_steps,
        )
        return optimizer, LambdaLR(optimizer, factor)

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise OptimizerError(f"expected optim.{name} to be {expected}, found {getattr(self, name)!r}")


def _can_fuse(groups: list[dict]) -> bool:
    parameters = [parameter for group in groups for parameter in group["params"]]
    return all(p.is_floating_point() and p.device.type in _FUSED_DEVICES for p in parameters)
