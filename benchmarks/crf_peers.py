"""Other CRF packages on the same inputs and parameters, those that are installed; none is a dependency.

pip install --no-deps linear-crf-torch TorchCRF pytorch-partial-crf bi-lstm-crf transformers-crf torch-struct
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from statistics import median

import torch
from torch import nn

from benchmarks.crf_inputs import Contender, Inputs, disagreement, ours, pytorch_crf, step, without_gradient
from benchmarks.crf_inputs import make_inputs as make
from benchmarks.interleaved import measure_in_turns


def _copy(inputs: Inputs, parameters: tuple[nn.Parameter, nn.Parameter, nn.Parameter]) -> None:
    with torch.no_grad():
        for parameter, value in zip(parameters, inputs.moves, strict=True):
            parameter.copy_(value)


def linear_crf_torch(inputs: Inputs) -> Contender:
    emissions, tags, mask, _ = inputs
    model = import_module("linear_crf").LinearCRF(emissions.shape[2], batch_first=True)
    _copy(inputs, (model.starts, model.ends, model.transitions))
    return Contender(lambda: -model(emissions, tags, mask).mean(), lambda: model.decode(emissions, mask))


def torchcrf_of_s14t284(inputs: Inputs) -> Contender:
    emissions, tags, mask, _ = inputs
    model = import_module("TorchCRF").CRF(emissions.shape[2], use_gpu=False)
    _copy(inputs, (model.start_trans, model.end_trans, model.trans_matrix))
    return Contender(lambda: -model(emissions, tags, mask).mean(), lambda: model.viterbi_decode(emissions, mask))


def pytorch_partial_crf(inputs: Inputs) -> Contender:
    emissions, tags, mask, _ = inputs
    model = import_module("pytorch_partial_crf").CRF(emissions.shape[2])
    _copy(inputs, (model.start_transitions, model.end_transitions, model.transitions))
    return Contender(lambda: model(emissions, tags, mask) / len(tags), lambda: model.viterbi_decode(emissions, mask))


def transformers_crf(inputs: Inputs) -> Contender:
    emissions, tags, mask, _ = inputs
    model = import_module("transformers_crf.crf").CRF(emissions.shape[2], batch_first=True)
    _copy(inputs, (model.start_transitions, model.end_transitions, model.transitions))
    return Contender(lambda: -model(emissions, tags, mask, reduction="mean"), lambda: model.decode(emissions, mask)[0])


def bi_lstm_crf(inputs: Inputs) -> Contender:
    """Set up bi-lstm-crf; its own linear layer is the identity here, and it has pseudo tags for start and stop."""
    emissions, tags, mask, _ = inputs
    n = emissions.shape[2]
    model = import_module("bi_lstm_crf").CRF(n, n)
    with torch.no_grad():
        model.fc.weight.copy_(torch.eye(n + 2, n))
        model.fc.bias.zero_()
        model.transitions[:n, n], model.transitions[n + 1, :n], model.transitions[:n, :n] = (
            inputs.moves[0],
            inputs.moves[1],
            inputs.moves[2].T,
        )
    return Contender(lambda: model.loss(emissions, tags, mask), lambda: model(emissions, mask)[1])


def torch_struct(inputs: Inputs) -> Contender:
    """Log-partition of potentials for every pair of neighbours; the score of the tags is pytorch-crf's. No decoding."""
    emissions, tags, mask, model = inputs
    chain, lengths = import_module("torch_struct").LinearChainCRF, mask.sum(1)

    def loss() -> torch.Tensor:
        start, end, transitions = inputs.moves
        scores = emissions + torch.nn.functional.one_hot(lengths - 1, emissions.shape[1])[..., None] * end
        potentials = scores[:, 1:, :, None] + transitions.T
        first = potentials[:, :1] + (start + scores[:, 0])[:, None, None, :]
        log_z = chain(torch.cat([first, potentials[:, 1:]], 1), lengths=lengths).partition
        score = model._compute_score(emissions.transpose(0, 1), tags.T, mask.T)
        return (log_z - score).mean()

    return Contender(loss, None)


PEERS: dict[str, Callable[[Inputs], Contender]] = {
    "linear-crf-torch": linear_crf_torch,
    "TorchCRF": torchcrf_of_s14t284,
    "pytorch-partial-crf": pytorch_partial_crf,
    "transformers-crf": transformers_crf,
    "bi-lstm-crf": bi_lstm_crf,
    "torch-struct": torch_struct,
}


def _contender(name: str, inputs: Inputs) -> Contender:
    """Find the contender with a name; ours are tried first."""
    if name in ("torch", "numba"):
        return ours(inputs, name)
    return pytorch_crf(inputs) if name == "pytorch-crf" else PEERS[name](inputs)


def run_peers(grid: list[tuple[int, int, int]], threads: int, rounds: int) -> None:
    torch.set_num_threads(threads)
    found: dict[str, dict[str, list[float]]] = {}
    notes: dict[str, str] = {}
    for tags, batch, words in grid:
        inputs, contenders = make(tags, batch, words), {}
        for name in ("pytorch-crf", "torch", "numba", *PEERS):
            try:
                contenders[name] = _contender(name, inputs)
                if wrong := disagreement(inputs, contenders[name]):
                    notes.setdefault(name, f"differs from pytorch-crf at {tags} x {batch} x {words}: {wrong}")
            except ImportError as error:
                contenders.pop(name, None)
                notes[name] = f"skipped, not installed ({error})"
            except Exception as error:  # a peer may fail in any way; the others are measured all the same
                contenders.pop(name, None)
                notes[name] = f"skipped, fails: {type(error).__name__}: {error}"
        for task, wrap in (("loss", lambda f, given=inputs: step(given, f)), ("decode", without_gradient)):
            calls = {n: wrap(f) for n, c in contenders.items() if (f := getattr(c, task)) is not None}
            costs = measure_in_turns(calls, rounds)
            for name, cost in costs.items():
                ratio = costs["pytorch-crf"].cpu / cost.cpu
                found.setdefault(name, {}).setdefault(task, []).append(ratio)
    print(f"\nTimes pytorch-crf's speed over {len(grid)} cells, {threads} thread(s): min / median / max, CPU time")
    print(f"{'':22}{'loss':>24}{'decode':>24}")
    for name in ("torch", "numba", *PEERS):
        text = "".join(
            f"{min(r):8.2f} /{median(r):6.2f} /{max(r):6.2f}" if (r := found.get(name, {}).get(task)) else f"{'-':>24}"
            for task in ("loss", "decode")
        )
        print(f"{name:22}{text}  {notes.get(name, '')}", flush=True)
