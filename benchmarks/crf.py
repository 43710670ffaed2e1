"""The CRF's speed over pytorch-crf's: loss forward and backward, decoding, and its share of an encoder's step.

    python -m benchmarks.crf --quick                    a few cells, a minute
    python -m benchmarks.crf --threads 1                the whole grid
    python -m benchmarks.crf --only step                share of a MiniLM training step
    python -m benchmarks.crf --only peers               other CRF packages, those that are installed
    python -m benchmarks.crf --only module --quick      the module with its constraints, as a run uses it

Ratios of medians of process CPU time, contenders in turns; wall time where threads make it differ.
"""

from __future__ import annotations

import argparse
from itertools import product
from statistics import median

import torch

from benchmarks.crf_inputs import disagreement, kernels, make_inputs, ours, pytorch_crf, step, without_gradient
from benchmarks.interleaved import Cost, measure_in_turns

TAGS, BATCHES, LENGTHS = (5, 9, 17, 37, 73), (8, 32, 64), (32, 128, 512)
BACKENDS = ("torch", "numba", "kernels")  # the last: the numba kernels without the public functions around them
Ratios = dict[tuple[str, str], float]  # (task, backend) -> pytorch-crf's cost over ours


def measure_cell(tags: int, batch: int, words: int, rounds: int) -> tuple[dict[str, dict[str, Cost]], list[str]]:
    """Costs of pytorch-crf and of both backends for the loss and for decoding, and what is wrong with any of them."""
    inputs = make_inputs(tags, batch, words)
    contenders = {"pytorch-crf": pytorch_crf(inputs), "kernels": kernels(inputs)}
    contenders |= {name: ours(inputs, name) for name in BACKENDS[:2]}
    wrong = [f"{name}: {what}" for name in BACKENDS if (what := disagreement(inputs, contenders[name]))]
    losses = {name: step(inputs, contender.loss) for name, contender in contenders.items()}
    decodes = {name: without_gradient(contender.decode) for name, contender in contenders.items()}
    return {"loss": measure_in_turns(losses, rounds), "decode": measure_in_turns(decodes, rounds)}, wrong


def ratios(costs: dict[str, dict[str, Cost]], clock: str) -> Ratios:
    return {
        (task, backend): getattr(found["pytorch-crf"], clock) / getattr(found[backend], clock)
        for task, found in costs.items()
        for backend in BACKENDS
    }


def run_grid(grid: list[tuple[int, int, int]], threads: int, rounds: int) -> None:
    torch.set_num_threads(threads)
    # With one thread the two clocks agree, and only CPU time survives neighbours; with more, people wait for the wall.
    clock = "cpu" if threads == 1 else "wall"
    columns = list(product(("loss", "decode"), BACKENDS))
    print(f"\nTimes pytorch-crf's speed, {threads} thread(s), {clock} time, medians of {rounds} turns")
    print(f"{'tags':>5}{'batch':>6}{'words':>6}" + "".join(f"{task + ' ' + name:>15}" for task, name in columns))
    by_tags: dict[int, list[Ratios]] = {}
    for tags, batch, words in grid:
        costs, wrong = measure_cell(tags, batch, words, rounds)
        found = ratios(costs, clock)
        by_tags.setdefault(tags, []).append(found)
        cells = "".join(f"{found[column]:15.1f}" for column in columns)
        print(f"{tags:5d}{batch:6d}{words:6d}{cells}  {'; '.join(wrong)}", flush=True)
    print("\nmin / median / max over batches and lengths")
    print(f"{'tags':>5}" + "".join(f"{task + ' ' + name:>24}" for task, name in columns))
    for tags, rows in [*by_tags.items(), ("all", [row for found in by_tags.values() for row in found])]:
        summary = (sorted(row[column] for row in rows) for column in columns)
        print(f"{tags:>5}" + "".join(f"{s[0]:8.1f} /{median(s):6.1f} /{s[-1]:6.1f}" for s in summary), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tags", type=int, nargs="+", default=list(TAGS))
    parser.add_argument("--quick", action="store_true", help="batch 8 and 32 by 32 and 128 words, 3 turns")
    parser.add_argument("--only", choices=("grid", "step", "peers", "module"), nargs="+", default=["grid"])
    options = parser.parse_args()
    rounds = 3 if options.quick else options.rounds
    batches, lengths = (BATCHES[:2], LENGTHS[:2]) if options.quick else (BATCHES, LENGTHS)
    for threads in options.threads:
        if "grid" in options.only:
            run_grid(list(product(options.tags, batches, lengths)), threads, rounds)
        if "step" in options.only:
            from benchmarks.crf_step import run_step

            run_step(threads, rounds)
        if "module" in options.only:
            from benchmarks.crf_module import run_modules

            run_modules(list(product(options.tags, batches, lengths)), threads, rounds)
        if "peers" in options.only:
            from benchmarks.crf_peers import run_peers

            run_peers(list(product(options.tags, batches, lengths)), threads, rounds)


if __name__ == "__main__":
    main()
