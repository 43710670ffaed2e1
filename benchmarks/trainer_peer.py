"""The Hugging Face Trainer as run_ner.py uses it: softmax over first subwords, random padded batches."""

from __future__ import annotations

import tempfile
import time
from typing import Any

import torch
from transformers import (
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback

from benchmarks.ner_inputs import Corpus
from ner_lightning.model.pretrained.names import resolve


class _Clock(TrainerCallback):
    """CPU time from the first step to the last, the start and the end of `train` left out."""

    def __init__(self) -> None:
        self.started: float | None = None
        self.ended = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.started = time.process_time() if self.started is None else self.started

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ended = time.process_time()


class TrainerPeer:
    """One model that the Trainer trains on, and predicts with, turn by turn."""

    def __init__(self, corpus: Corpus, batch: int, *, freeze_word_embeddings: bool) -> None:
        self.corpus, self.batch = corpus, batch
        self.model: Any = AutoModelForTokenClassification.from_pretrained(
            resolve(corpus.encoder), num_labels=len(corpus.tags), dtype=torch.float32
        )
        if freeze_word_embeddings:
            self.model.get_input_embeddings().weight.requires_grad_(False)
        self.collate = DataCollatorForTokenClassification(corpus.words.tokenizer)
        self.folder = tempfile.TemporaryDirectory()
        self.shown = self.real = 0

    def _trainer(self, rows: list[dict[str, list[int]]], seed: int, clock: _Clock) -> Trainer:
        arguments = TrainingArguments(
            output_dir=self.folder.name,
            per_device_train_batch_size=self.batch,
            per_device_eval_batch_size=self.batch,
            learning_rate=1e-4,
            num_train_epochs=1,
            save_strategy="no",
            report_to=[],
            seed=seed,
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=self.model,
            args=arguments,
            train_dataset=rows,  # type: ignore[arg-type]
            data_collator=self._count,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _count(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = self.collate(rows)
        self.shown += batch["input_ids"].numel()
        self.real += int(batch["attention_mask"].sum())
        return batch

    def train(self, rows: list[dict[str, list[int]]], seed: int) -> float:
        """CPU seconds of one pass over the rows."""
        clock = _Clock()
        self._trainer(rows, seed, clock).train()
        assert clock.started is not None
        return clock.ended - clock.started

    def predict(self, rows: list[dict[str, list[int]]]) -> float:
        """CPU seconds to tag the rows, in their order; they are encoded already."""
        trainer = self._trainer(rows, 1, _Clock())
        started = time.process_time()
        trainer.predict(rows).predictions.argmax(-1)  # type: ignore[arg-type, union-attr]
        return time.process_time() - started
