"""How long a training takes to its first step, and what it holds by then: read, cached, streamed.

    python -m benchmarks.startup [--sentences 1000000] [--shards 8] [--folder FOLDER]

Writes a column corpus of so many sentences, made of the embedded English sample, a number behind a tenth of the words
so that the vocabulary grows as it does in real text. Then it starts the real training, each time in a fresh process,
and ends it after the first optimiser step: without a cache, with an empty one, with a full one; streamed with a first
pass that counts, streamed again, and streamed with `data.types` and `data.epoch_steps` given.

The encoder has two layers of 32: what is measured is the data. Seconds are wall time from before the first import,
which takes its share (`imports`), and CPU time of the whole process; memory is the largest resident set of the process,
and what of it at the first step are pages of files, which the operating system may drop at any time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

CHILD = """
import json, sys, time
started = time.monotonic()
import resource
from pytorch_lightning import Callback, Trainer
from ner_lightning.training.build import build
from ner_lightning.config.objects import resolve_config
from tests.runs import composed
from pathlib import Path
imports = time.monotonic() - started


def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key + ":")), float("nan"))


class Stop(Callback):
    def on_train_batch_end(self, trainer, *_):
        seconds = time.monotonic() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures = dict(seconds=seconds, cpu=time.process_time(), imports=imports, peak=peak, file=status("RssFile"))
        print("FIGURES", json.dumps(figures), flush=True)
        trainer.should_stop = True
        raise KeyboardInterrupt


run = build(resolve_config(composed("train", Path(sys.argv[1]), *sys.argv[2:])))
run.trainer.callbacks.append(Stop())
run.trainer.fit(run.task, datamodule=run.data)
"""


def sentences(number: int) -> Iterator[str]:
    """Sentences of the sample, varied: a tenth of the words get a number behind."""
    from ner_lightning.data.sample import folder

    text = (folder("en") / "train.conll").read_text("utf-8")
    blocks = [block for block in text.strip().split("\n\n") if not block.startswith("-DOCSTART-")]
    generator = random.Random(0)
    for _ in range(number):
        lines = "\n".join(generator.choices(blocks, k=2)).split("\n")  # 17 words on average
        for index, line in enumerate(lines):
            if generator.random() < 0.1:
                word, _, rest = line.partition("\t")
                lines[index] = f"{word}{int(generator.paretovariate(0.5)) % 10**6}\t{rest}"
        yield "\n".join(lines) + "\n\n"


def write_corpus(folder: Path, number: int, shards: int) -> None:
    """`whole/train.conll`, the same in `shards/train/`, and a development split of both."""
    for name in ("whole", "shards/train"):
        (folder / name).mkdir(parents=True)
    parts = [(folder / f"shards/train/{index:05d}.conll").open("w", encoding="utf-8") for index in range(shards)]
    with (folder / "whole/train.conll").open("w", encoding="utf-8") as whole:
        for index, text in enumerate(sentences(number)):
            whole.write(text)
            parts[index * shards // number].write(text)
    for part in parts:
        part.close()
    for name in ("whole", "shards"):
        (folder / name / "dev.conll").write_text("".join(sentences(1000)), encoding="utf-8")


def start(folder: Path, *overrides: str) -> dict[str, float]:
    """One start in a fresh process."""
    (folder / "child.py").write_text(CHILD)
    common = [f"model.encoder.name={folder / 'encoder'}", "data=conll", "data.batch_size=16", "logger=csv"]
    silent = ["callbacks.progress.refresh_rate=0", "data.limit=null"]
    shutil.rmtree(folder / "runs", ignore_errors=True)
    answer = subprocess.run(
        [sys.executable, str(folder / "child.py"), str(folder / "runs"), *common, *silent, *overrides],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in answer.stdout.splitlines() if line.startswith("FIGURES")]
    if not found:
        raise RuntimeError(answer.stderr[-3000:])
    return json.loads(found[0].removeprefix("FIGURES "))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="where corpus and cache go for the time; default: a temporary one")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="startup_", dir=args.folder))
    try:
        measure(folder, args.sentences, args.shards)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, number: int, shards: int) -> None:
    """All starts of one corpus."""
    from tests.tiny import write_tiny_encoder

    write_tiny_encoder(folder / "encoder", positions=512)
    began = time.monotonic()
    write_corpus(folder, number, shards)
    size = (folder / "whole/train.conll").stat().st_size
    print(f"{number:,} sentences, {size / 1e6:.0f} MB, written in {time.monotonic() - began:.0f} s")
    whole, stream = [f"data.dir={folder / 'whole'}"], [f"data.dir={folder / 'shards'}", "data.streaming=true"]
    cache, given = f"data.cache={folder / 'cache'}", ["data.types=[EVENT,LOC,ORG,PER,PRODUCT]", "data.epoch_steps=1000"]
    starts = {
        "a thousand sentences, as a floor": [*whole, "data.limit=1000", "data.reader.scheme=IOB2", "data.cache=null"],
        "no cache": [*whole, "data.cache=null"],
        "first start": [*whole, cache],
        "second start": [*whole, cache],
        "streamed, first start": [*stream, cache],
        "streamed, second start": [*stream, cache],
        "streamed, types and steps given": [*stream, *given, cache],
    }
    print(f"{'':34} {'seconds':>8} {'imports':>8} {'CPU s':>8} {'peak MiB':>9} {'file MiB':>9}")
    for name, overrides in starts.items():
        found = start(folder, *overrides)
        shown = [f"{found[key]:8.1f}" for key in ("seconds", "imports", "cpu")]
        shown += [f"{found[key]:9.0f}" for key in ("peak", "file")]
        print(f"{name:34}", *shown, flush=True)
    kept = sum(file.stat().st_size for file in (folder / "cache").rglob("*") if file.is_file())
    print(f"the cache holds {kept / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
