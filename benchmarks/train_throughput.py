"""Measure training in sentences per CPU second: our batching modes, the Hugging Face Trainer, and Flair if available.

    python -m benchmarks.train_throughput --data FOLDER [--encoder package:minilm] [--batch 32] [--batches 12]
    python -m benchmarks.train_throughput --data FOLDER --flair PYTHON

The contenders: `packed`, `length_bucket`, `token_budget` (padded, with as many subwords per batch as the others have on
average) and `random` are a CRF, with everything that `train` does (Lightning, progress bar, `metrics.csv`, clipping,
fused AdamW). `trainer` is `transformers.Trainer` with the recipe of run_ner.py. `flair` is Flair's SequenceTagger with
CRF, fine-tuned by its ModelTrainer in a separate environment (PYTHON is its interpreter). Contenders take turns
(A B C A B C …) of `--batches` batches each; the clock is the CPU time of the process, with one thread. Speed is real
subwords per CPU second divided by the corpus' mean subwords per sentence, so that a turn whose sentences happen to be
long is at no disadvantage. The result is the ratio: its median over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import statistics
import tempfile
import time
import warnings
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.loggers import CSVLogger
from torch.utils.data import DataLoader, Dataset
from transformers.utils import logging as transformers_logging

from benchmarks.flair_turns import FlairTurns
from benchmarks.ner_inputs import Corpus, read_corpus
from benchmarks.trainer_peer import TrainerPeer
from ner_lightning.data.batches.collate import Batch, Collator
from ner_lightning.data.batches.samplers import Draw, TrainingSampler
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.encoder import Encoder
from ner_lightning.model.tagger import TaggingModel
from ner_lightning.optim.adamw import AdamW
from ner_lightning.task.tagging import TaggingTask

MODES = ("packed", "length_bucket", "token_budget", "random")


class _Clock(pl.Callback):
    """CPU time from the first step to the last."""

    started: float | None = None
    ended = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        self.started = time.process_time() if self.started is None else self.started

    def on_train_batch_end(self, *_: Any) -> None:
        self.ended = time.process_time()


class _Batches(Dataset[Batch]):
    def __init__(self, draws: list[Draw], collator: Collator) -> None:
        self.draws, self.collator = draws, collator

    def __len__(self) -> int:
        return len(self.draws)

    def __getitem__(self, number: int) -> Batch:
        return self.collator(self.draws[number].indices)


class Ours:
    """Our training in one batching mode."""

    def __init__(self, corpus: Corpus, mode: str, batch: int, *, freeze_word_embeddings: bool) -> None:
        self.corpus, self.mode, self.batch = corpus, mode, batch
        encoder = Encoder(corpus.encoder, freeze_word_embeddings=freeze_word_embeddings)
        self.model = TaggingModel(encoder, CRF(corpus.tags))
        self.folder = tempfile.TemporaryDirectory()

    def draws(self, turn: int, n: int) -> list[Draw]:
        """Batches of one turn: evenly over the sizes that an epoch has."""
        whole = list(self._sampler(turn))
        if self.mode in ("packed", "random"):
            return [draw for draw in whole if len(draw.indices) == self.batch][:n]
        whole.sort(key=lambda draw: self.corpus.lengths[list(draw.indices)].mean())
        chosen = [whole[int((place + 0.5) * len(whole) / n)] for place in range(n)]
        return [chosen[i] for i in np.random.default_rng(turn).permutation(n)]

    def _sampler(self, turn: int) -> TrainingSampler:
        grouping: Any = "random" if self.mode == "packed" else self.mode
        budget = round(self.batch * self.corpus.subwords) if grouping == "token_budget" else None
        return TrainingSampler(self.corpus.lengths, self.batch, seed=turn, grouping=grouping, max_subwords=budget)

    def padding(self, turn: int) -> float:
        """Share of all subwords of an epoch that is padding."""
        if self.mode == "packed":
            return 0.0
        rows = [self.corpus.lengths[list(draw.indices)] for draw in self._sampler(turn)]
        return 1 - sum(row.sum() for row in rows) / sum(row.max() * len(row) for row in rows)

    def train(self, draws: list[Draw]) -> float:
        """CPU seconds of one pass over the batches."""
        clock = _Clock()
        task = TaggingTask(self.model, self.corpus.tags, optim=AdamW(), sentences_per_batch=self.batch)
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            gradient_clip_val=1.0,
            log_every_n_steps=10,
            enable_model_summary=False,
            enable_checkpointing=False,
            callbacks=[TQDMProgressBar(10), clock],
            logger=CSVLogger(self.folder.name, name="", version=""),
            default_root_dir=self.folder.name,
        )
        loader = DataLoader(_Batches(draws, self.corpus.collator(self.mode == "packed")), batch_size=None)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            trainer.fit(task, train_dataloaders=loader)
        assert clock.started is not None
        return clock.ended - clock.started


def measure(corpus: Corpus, args: argparse.Namespace) -> None:
    """All rounds of one corpus, and its table."""
    freeze = corpus.encoder == "package:e5_multilingual"  # as its configuration has it; the Trainer gets the same
    ours = {mode: Ours(corpus, mode, args.batch, freeze_word_embeddings=freeze) for mode in args.modes}
    peer = TrainerPeer(corpus, args.batch, freeze_word_embeddings=freeze)
    flair = FlairTurns(args.flair, corpus, args.batch) if args.flair else None
    speed: dict[str, list[float]] = {}
    for turn in range(args.rounds + 1):  # the first warms up
        n = args.batches if turn else 2
        for mode, side in ours.items():
            draws = side.draws(turn, n)
            real = sum(int(corpus.lengths[list(draw.indices)].sum()) for draw in draws)
            speed.setdefault(mode, []).append(real / side.train(draws))
        indices = [i for draw in TrainingSampler(corpus.encoded.lengths, args.batch, seed=turn) for i in draw.indices]
        indices = indices[: n * args.batch]
        real = int(corpus.lengths[indices].sum())
        speed.setdefault("trainer", []).append(real / peer.train(corpus.peer_rows(indices), turn))
        if flair is not None:
            speed.setdefault("flair", []).append(real / flair.train([corpus.sentences[i] for i in indices]))
    _show(corpus, ours, peer, speed)


def _show(corpus: Corpus, ours: dict[str, Ours], peer: TrainerPeer, speed: dict[str, list[float]]) -> None:
    print(f"\n{corpus.name}, {corpus.encoder}, {corpus.subwords:.1f} subwords per sentence, batch {peer.batch}")
    print(f"{'':14} sentences/CPU s   padding   times the Trainer (median, least, most)")
    for name, values in speed.items():
        ratios = [a / b for a, b in zip(values[1:], speed["trainer"][1:], strict=True)]
        share = ours[name].padding(1) if name in ours else 1 - peer.real / peer.shown
        shown = "" if name == "flair" else f"{share:.1%}"
        print(
            f"{name:14} {statistics.median(values[1:]) / corpus.subwords:15.1f} {shown:>9}"
            f"   {statistics.median(ratios):.2f}   {min(ratios):.2f} {max(ratios):.2f}",
            flush=True,
        )


def quiet() -> None:
    """One thread, and nothing on the screen but the tables."""
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of a corpus: columns or JSON lines")
    parser.add_argument("--encoder", default="package:minilm")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=12, help="batches a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--modes", nargs="*", default=list(MODES), help=f"of {', '.join(MODES)}")
    parser.add_argument("--flair", help="interpreter of an environment that has Flair")
    args = parser.parse_args()
    quiet()
    measure(read_corpus(args.data, args.encoder, "train"), args)


if __name__ == "__main__":
    main()
