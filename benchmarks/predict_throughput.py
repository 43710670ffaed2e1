"""Tagging, sentences a CPU second: `Tagger`, padded in file order, the Hugging Face Trainer, and Flair if it is there.

    python -m benchmarks.predict_throughput --data FOLDER [--split dev] [--encoder package:minilm] [--batch 32]
    python -m benchmarks.predict_throughput --data FOLDER --flair PYTHON

`tagger` is `Tagger.tag`: words to entities with probabilities, packed, subwords and CRF included. `file_order` is the
same network on padded batches in the order of the file, up to the tags. `trainer` is `Trainer.predict` on rows that are
encoded already, and the largest logit; `flair` is `SequenceTagger.predict`, which sorts by length, and
`flair_evaluate` its `evaluate`, which does not. All were trained on a few batches first, so that they find about as
many entities as a tagger does. Turns and clock as in `train_throughput`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.flair_turns import FlairTurns
from benchmarks.ner_inputs import Corpus, read_corpus
from benchmarks.train_throughput import Ours, quiet
from benchmarks.trainer_peer import TrainerPeer
from ner_lightning.inference.tagger import Tagger
from ner_lightning.task.tagging import TaggingTask
from ner_lightning.training.checkpoint import Loaded


def padded_in_file_order(ours: Ours, corpus: Corpus, indices: list[int], batch: int) -> float:
    """CPU seconds of the network alone, as a plain loop would call it."""
    collate = corpus.collator(packed=False)
    model = ours.model.eval()
    started = time.process_time()
    with torch.inference_mode():
        for start in range(0, len(indices), batch):
            laid = collate(indices[start : start + batch])
            model.decoder.decode(model(laid), laid.mask).tolist()
    return time.process_time() - started


def tag(tagger: Tagger, corpus: Corpus, indices: list[int], batch: int) -> float:
    """CPU seconds from words to entities."""
    sentences = [corpus.sentences[i] for i in indices]
    started = time.process_time()
    for _ in tagger.tag(sentences, batch_size=batch):
        pass
    return time.process_time() - started


def measure(train: Corpus, corpus: Corpus, args: argparse.Namespace) -> None:
    """Train a little, then all rounds, then the table."""
    ours = Ours(train, "packed", args.batch, freeze_word_embeddings=False)
    draws = ours.draws(1, args.warm_up)
    ours.train(draws)
    seen = [i for draw in draws for i in draw.indices]
    peer = TrainerPeer(train, args.batch, freeze_word_embeddings=False)
    peer.train(train.peer_rows(seen), 1)
    config = {"data": {"units": "words", "overlap": 64, "reader": {}}}
    task = TaggingTask(ours.model, train.tags).eval()
    tagger = Tagger(Loaded(task, train.words.tokenizer, config, Path()), device="cpu", units="words")
    calls: dict[str, Callable[[list[int]], float]] = {
        "tagger": lambda indices: tag(tagger, corpus, indices, args.batch),
        "file_order": lambda indices: padded_in_file_order(ours, corpus, indices, args.batch),
        "trainer": lambda indices: peer.predict(rows[tuple(indices)]),
    }
    if args.flair:
        flair = FlairTurns(args.flair, corpus, args.batch)
        flair.train([train.sentences[i] for i in seen])
        calls["flair"] = flair.predict
        calls["flair_evaluate"] = flair.evaluate
    speed: dict[str, list[float]] = {name: [] for name in calls}
    rows: dict[tuple[int, ...], list[dict[str, list[int]]]] = {}
    size = args.batch * args.batches
    for turn in range(args.rounds + 1):  # the first warms up
        start = turn * size % max(1, len(corpus.sentences) - size)
        indices = list(range(start, min(start + size, len(corpus.sentences))))
        rows = {tuple(indices): corpus.peer_rows(indices)}
        for name, call in calls.items():
            speed[name].append(len(indices) / call(indices))
    print(f"\n{corpus.name}, {corpus.encoder}, {corpus.subwords:.1f} subwords per sentence, batch {args.batch}")
    print(f"{'':14} sentences/CPU s   times the Trainer (median, least, most)")
    for name, values in speed.items():
        ratios = [a / b for a, b in zip(values[1:], speed["trainer"][1:], strict=True)]
        print(
            f"{name:14} {statistics.median(values[1:]):15.1f}"
            f"   {statistics.median(ratios):.2f}   {min(ratios):.2f} {max(ratios):.2f}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of a corpus: columns or JSON lines")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--encoder", default="package:minilm")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=12, help="batches a turn")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--warm-up", type=int, default=12, help="batches of training before")
    parser.add_argument("--flair", help="interpreter of an environment that has Flair")
    args = parser.parse_args()
    quiet()
    measure(
        read_corpus(args.data, args.encoder, "train", limit=args.warm_up * args.batch * 4),
        read_corpus(args.data, args.encoder, args.split),
        args,
    )


if __name__ == "__main__":
    main()
