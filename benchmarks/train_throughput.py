"""Our training step against the recipe of Hugging Face's run_ner.py, on the same sentences in the same order.

    python -m benchmarks.train_throughput --data FOLDER [--batch 16] [--batches 8] [--rounds 5]

Theirs: `AutoModelForTokenClassification`, random batches padded to their longest, softmax over first subwords. Ours:
the same batches packed, CRF. Both: fused AdamW, gradient norm clipped to 1, dropout on. Interleaved A B A B, process
CPU time, medians; what counts is the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from transformers import AutoModelForTokenClassification
from transformers.utils import logging

from ner_lightning.data.collate import Batch, Collator
from ner_lightning.data.datamodule import CorpusDataModule
from ner_lightning.data.encoding import WordEncoder, encode
from ner_lightning.data.readers.conll import ConllReader
from ner_lightning.data.samplers import TrainingSampler
from ner_lightning.model.decoder.crf import CRF
from ner_lightning.model.encoder import Encoder
from ner_lightning.model.pretrained import load_tokenizer, resolve
from ner_lightning.model.tagger import TaggingModel


def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[], torch.Tensor]) -> float:
    """CPU seconds of one training step."""
    started = time.process_time()
    loss().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return time.process_time() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with a train file in columns")
    parser.add_argument("--encoder", default="package:minilm")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--batches", type=int, default=8, help="batches a turn")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    logging.set_verbosity_error()

    data = CorpusDataModule(args.data, ConllReader(), limit=5000)
    data.read("train", required=("train",))
    tags = data.tag_set()
    words = WordEncoder(load_tokenizer(args.encoder), 512)
    corpus = encode(data.sentences["train"], words, tags)
    encoder = Encoder(args.encoder)
    ours = TaggingModel(encoder, CRF(tags)).train()
    theirs = AutoModelForTokenClassification.from_pretrained(
        resolve(args.encoder), num_labels=len(tags), dtype=torch.float32
    ).train()
    optimizers = [torch.optim.AdamW(model.parameters(), 1e-4, fused=True) for model in (theirs, ours)]
    layouts = [Collator(corpus, words, layout) for layout in ("padded", "packed")]  # type: ignore[arg-type]

    def their_loss(batch: Batch) -> torch.Tensor:
        labels = torch.full_like(batch.input_ids, -100)
        labels.view(-1)[batch.first_subword[batch.mask]] = batch.tags[batch.mask]
        return theirs(batch.input_ids, attention_mask=batch.attention_mask, labels=labels).loss

    def our_loss(batch: Batch) -> torch.Tensor:
        return ours.decoder.loss(ours(batch), batch.tags, batch.mask).sum() / args.batch

    draws = list(TrainingSampler(corpus.lengths, args.batch, seed=1))
    seconds: list[list[float]] = [[], []]
    real, shown = 0, 0
    for turn in range(args.rounds + 1):  # the first warms up
        chosen = draws[turn * args.batches : (turn + 1) * args.batches]
        pairs = [[collate(draw.indices) for collate in layouts] for draw in chosen]
        for side, (model, optimizer, loss) in enumerate(
            [(theirs, optimizers[0], their_loss), (ours, optimizers[1], our_loss)]
        ):
            spent = sum(step(model, optimizer, lambda b=pair[side], f=loss: f(b)) for pair in pairs)  # type: ignore[misc]
            if turn:
                seconds[side].append(spent / sum(len(draw.indices) for draw in chosen))
        real += sum(pair[1].input_ids.numel() for pair in pairs)
        shown += sum(pair[0].input_ids.numel() for pair in pairs)
    ratios = [a / b for a, b in zip(*seconds, strict=True)]
    print(f"padded over real subwords: {shown / real:.2f}")
    for name, side in zip(("padded softmax", "packed CRF"), seconds, strict=True):
        print(f"{name}: {1 / statistics.median(side):.1f} sentences a CPU second")
    print(f"ratio: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
