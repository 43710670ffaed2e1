"""The CRF module as it is used by default, constraints and all, beside pytorch-crf on the same gold tags.

Constraints cost the loss a guard: with moves forbidden, a tag that underflows may be the one that counts in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch
import torchcrf

from benchmarks.interleaved import measure_in_turns
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.tagging.spans import EntitySpan
from ner_lightning.tagging.tagset import TagSet

CONTENDERS = {
    "numba": ("numba", "both"),
    "numba, free": ("numba", "none"),
    "torch": ("torch", "both"),
    "torch, free": ("torch", "none"),
}
"""Backend and where illegal moves are impossible; the default is `both`, on the CPU with numba."""


def legal_tags(tags: TagSet, lengths: list[int], words: int, generator: torch.Generator) -> torch.Tensor:
    """Gold tags as annotation has them: entities of one to three words, a word or more between them."""
    ids = torch.zeros(len(lengths), words, dtype=torch.long)
    for row, length in enumerate(lengths):
        spans, word = [], 0
        while word < length:
            size, gap, kind = (int(torch.randint(1, top, (), generator=generator)) for top in (4, 8, 1_000_000))
            end = min(word + size, length)
            spans.append(EntitySpan(word, end, tags.types[kind % len(tags.types)]))
            word = end + gap
        ids[row, :length] = torch.tensor(tags.encode(spans, length))
    return ids


def measure_cell(n_tags: int, batch: int, words: int, rounds: int) -> dict[str, dict[str, float]]:
    """pytorch-crf's time over that of each contender, by task."""
    generator = torch.Generator().manual_seed(n_tags * 1000 + batch + words)
    tag_set = TagSet(tuple(f"T{i}" for i in range(n_tags // 2)), "IOB2")
    lengths = [words, *torch.randint(max(1, words // 2), words + 1, (batch - 1,), generator=generator).tolist()]
    mask = torch.arange(words) < torch.tensor(lengths)[:, None]
    gold = legal_tags(tag_set, lengths, words, generator)
    emissions = torch.randn(batch, words, len(tag_set), generator=generator).requires_grad_()
    theirs = torchcrf.CRF(len(tag_set), batch_first=True)
    modules = {name: CRF(tag_set, backend=backend, constrain=where) for name, (backend, where) in CONTENDERS.items()}  # type: ignore[arg-type]

    def trained(module: torch.nn.Module, loss: Callable[[], torch.Tensor]) -> Callable[[], object]:
        def run() -> None:
            module.zero_grad()
            emissions.grad = None
            loss().backward()

        return run

    losses = {"pytorch-crf": trained(theirs, lambda: -theirs(emissions, gold, mask, reduction="mean"))}
    losses |= {
        name: trained(module, lambda module=module: module.loss(emissions, gold, mask).mean())  # type: ignore[misc]
        for name, module in modules.items()
    }
    still = emissions.detach()
    decodes: dict[str, Callable[[], object]] = {"pytorch-crf": lambda: theirs.decode(still, mask)}
    decodes |= {name: lambda module=module: module.decode(still, mask) for name, module in modules.items()}  # type: ignore[misc]
    found = {}
    for task, contenders in (("loss", losses), ("decode", decodes)):
        costs = measure_in_turns(contenders, rounds)
        found[task] = {name: costs["pytorch-crf"].cpu / costs[name].cpu for name in CONTENDERS}
    return found


def run_modules(grid: list[tuple[int, int, int]], threads: int, rounds: int) -> None:
    """Print the ratios of each cell, and smallest, median and largest for each number of tags."""
    torch.set_num_threads(threads)
    columns = [(task, name) for task in ("loss", "decode") for name in CONTENDERS]
    print(f"\nTimes pytorch-crf's speed, the module, {threads} thread(s), CPU time, medians of {rounds} turns")
    print(f"{'tags':>5}{'batch':>6}{'words':>6}" + "".join(f"{task + ' ' + name:>20}" for task, name in columns))
    by_tags: dict[int, list[dict[str, dict[str, float]]]] = {}
    for tags, batch, words in grid:
        cell = measure_cell(tags, batch, words, rounds)
        by_tags.setdefault(tags, []).append(cell)
        print(f"{tags:5d}{batch:6d}{words:6d}" + "".join(f"{cell[t][n]:20.1f}" for t, n in columns), flush=True)
    print("\nmin / median / max over batches and lengths")
    for name, rows in [*by_tags.items(), ("all", [row for found in by_tags.values() for row in found])]:
        summary = (sorted(row[task][contender] for row in rows) for task, contender in columns)
        print(f"{name:>5}" + "".join(f"{s[0]:8.1f} /{median(s):6.1f} /{s[-1]:6.1f}" for s in summary), flush=True)
