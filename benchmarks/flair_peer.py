"""Flair's SequenceTagger with CRF, fine-tuned or tagging; runs alone in an environment that has Flair 0.15.

    python flair_peer.py ENCODER_FOLDER BATCH

The first line on stdin is the list of entity types, each further line a turn: what to do (a key of DO) with which
sentences; one line comes back for each, its CPU seconds. See `flair_turns.py`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

import flair
import torch
from flair.data import Corpus, Dictionary, Sentence
from flair.datasets import FlairDatapointDataset
from flair.embeddings import TransformerWordEmbeddings
from flair.models import SequenceTagger
from flair.trainers import ModelTrainer
from flair.trainers.plugins import TrainerPlugin

ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what Flair prints is no answer


class Clock(TrainerPlugin):
    """CPU time from the first batch to the last."""

    def __init__(self):
        super().__init__()
        self.started, self.ended = None, 0.0

    @TrainerPlugin.hook
    def before_training_batch(self, **_):
        self.started = time.process_time() if self.started is None else self.started

    @TrainerPlugin.hook
    def after_training_batch(self, **_):
        self.ended = time.process_time()


def make_tagger(folder, types):
    dictionary = Dictionary(add_unk=False)
    for name in types:
        dictionary.add_item(name)
    dictionary.span_labels = True
    embeddings = TransformerWordEmbeddings(
        folder, layers="-1", subtoken_pooling="first", fine_tune=True, use_context=False
    )
    return SequenceTagger(
        embeddings=embeddings, tag_dictionary=dictionary, tag_type="ner", tag_format="BIO",
        use_crf=True, use_rnn=False, reproject_embeddings=False,
    )  # fmt: skip


def sentences_of(rows):
    sentences = []
    for row in rows:
        sentence = Sentence(row["words"])
        for start, end, label in row["spans"]:
            sentence[start:end].add_label("ner", label)
        sentences.append(sentence)
    return sentences


def train(tagger, rows, batch):
    sentences = sentences_of(rows)
    corpus = Corpus(train=FlairDatapointDataset(sentences), dev=None, test=None, sample_missing_splits=False)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        ModelTrainer(tagger, corpus).fine_tune(
            folder, learning_rate=1e-4, mini_batch_size=batch, max_epochs=1, save_final_model=False,
            shuffle_first_epoch=True, plugins=[clock],
        )  # fmt: skip
    return clock.ended - clock.started


def predict(tagger, rows, batch):
    sentences = [Sentence(row["words"]) for row in rows]
    started = time.process_time()
    tagger.predict(sentences, mini_batch_size=batch)
    return time.process_time() - started


def evaluate(tagger, rows, batch):
    sentences = sentences_of(rows)
    started = time.process_time()
    tagger.evaluate(sentences, gold_label_type="ner", mini_batch_size=batch)
    return time.process_time() - started


DO = {"train": train, "predict": predict, "evaluate": evaluate}


def main():
    folder, batch = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(1)
    flair.set_seed(1)
    tagger = make_tagger(folder, json.loads(sys.stdin.readline()))
    ANSWERS.write("ready\n")
    ANSWERS.flush()
    for line in sys.stdin:
        turn = json.loads(line)
        seconds = DO[turn["what"]](tagger, turn["rows"], batch)
        ANSWERS.write(f"{seconds}\n")
        ANSWERS.flush()


if __name__ == "__main__":
    main()
