"""Flair in a process and an environment of its own, one turn at a time."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ner_inputs import Corpus
from ner_lightning.data.sentence import Sentence
from ner_lightning.model.pretrained.names import resolve


class FlairTurns:
    """Starts `flair_peer.py` with another interpreter, hands it sentences and reads CPU seconds."""

    def __init__(self, python: str, corpus: Corpus, batch: int) -> None:
        self.corpus = corpus
        script = Path(__file__).with_name("flair_peer.py")
        self.process = subprocess.Popen(
            [python, str(script), resolve(corpus.encoder), str(batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )
        self._ask(list(corpus.tags.types))

    def train(self, sentences: Sequence[Sentence]) -> float:
        """CPU seconds of one epoch over these sentences."""
        return self._turn("train", sentences)

    def predict(self, indices: list[int]) -> float:
        """CPU seconds to tag these sentences of the corpus."""
        return self._turn("predict", [self.corpus.sentences[i] for i in indices])

    def evaluate(self, indices: list[int]) -> float:
        """CPU seconds to tag and score these sentences of the corpus, in their order."""
        return self._turn("evaluate", [self.corpus.sentences[i] for i in indices])

    def _turn(self, what: str, sentences: Sequence[Sentence]) -> float:
        rows = [
            {"words": sentence.words, "spans": [(span.start, span.end, span.label) for span in sentence.spans]}
            for sentence in sentences
        ]
        return float(self._ask({"what": what, "rows": rows}))

    def _ask(self, message: object) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(
                f"Flair's process ended with {self.process.wait()}: try benchmarks/flair_peer.py by hand"
            )
        return answer
