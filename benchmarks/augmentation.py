"""What augmentation costs a batch, beside laying it out: CPU time of one thread, contenders in turns."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from benchmarks.interleaved import measure_in_turns
from benchmarks.ner_inputs import read_corpus
from ner_lightning.data.augment.augmented import with_augmentation
from ner_lightning.data.augmentation import Augmentation
from ner_lightning.data.batches.collate import Batch, Collator

OPTIONS = {
    "mention_replacement=0.3": Augmentation(mention_replacement=0.3),
    "word_replacement=0.1": Augmentation(word_replacement=0.1),
    "lower_case=0.1": Augmentation(lower_case=0.1),
    "word_dropout=0.1": Augmentation(word_dropout=0.1),
    "all four": Augmentation(0.3, 0.1, 0.1, 0.1),
}


def main() -> None:
    """Print microseconds a batch, and what each option adds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of a corpus")
    parser.add_argument("--encoder", default="package:minilm")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--max-subwords", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=25)
    given = parser.parse_args()
    corpus = read_corpus(given.data, given.encoder, "train")
    plainly = corpus.collator(packed=True)
    order = np.random.default_rng(1).permutation(len(corpus.sentences))
    batches = [order[i : i + given.batch].tolist() for i in range(0, min(len(order), 20 * given.batch), given.batch)]

    def lay_out(collator: Collator) -> Callable[[], list[Batch]]:
        return lambda: [collator(batch, 0, 3) for batch in batches]

    calls, prepared = {"as they are": lay_out(plainly)}, {}
    for name, options in OPTIONS.items():
        start = time.process_time()
        varied = with_augmentation(
            plainly, corpus.sentences, (1,), options=options, tags=corpus.tags, max_subwords=given.max_subwords
        )
        prepared[name] = time.process_time() - start
        calls[name] = lay_out(varied)
    costs = {name: cost.cpu / len(batches) * 1e6 for name, cost in measure_in_turns(calls, given.rounds).items()}
    print(f"{corpus.name}, {corpus.encoder}: {len(corpus.sentences)} sentences, {given.batch} a batch")
    print(f"{'':26}{'µs a batch':>12}{'added':>8}{'s to prepare':>14}")
    for name, cost in costs.items():
        print(f"{name:26}{cost:12.0f}{cost - costs['as they are']:8.0f}{prepared.get(name, 0.0):14.2f}")


if __name__ == "__main__":
    main()
