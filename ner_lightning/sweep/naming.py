"""Names of sweeps, from what varies, and of jobs, from their values; safe as folders and as words for Hydra."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ner_lightning.run.redaction import redact, redact_words

LONGEST = 120  # characters of a job's name

# Overrides that say where and how a sweep runs, not what it computes.
_ELSEWHERE = ("hydra", "sweep.", "paths.")

# Keys of a configuration that do not affect what a run computes.
_NOT_COMPUTED = ("paths", "logger", "sweep", "ckpt_path", "force")


def key_of(override: str) -> str:
    """Return the key or group that an override sets.

    >>> key_of("+experiment=crf"), key_of("~callbacks.progress"), key_of("seed=1")
    ('experiment', 'callbacks.progress', 'seed')
    """
    return override.partition("=")[0].lstrip("+~")


def value_of(override: str) -> str:
    """Return the value that an override gives, as typed.

    >>> value_of("data.dir='a b'")
    "'a b'"
    """
    return override.partition("=")[2]


def job_name(values: Mapping[str, str]) -> str:
    """Name a job after what varies: the last part of each key, and its value.

    Keys with the same last part are written in full. A path is cut to its last part, and any character but letters,
    digits, points and dashes becomes a dash; a digest keeps such names, and those cut short, distinct.

    >>> job_name({"optim.encoder_lr": "3e-5", "trainer.precision": "bf16-mixed", "seed": "1"})
    'encoder_lr-3e-5+precision-bf16-mixed+seed-1'
    >>> job_name({"model.decoder.init": "uniform", "init": "a"})
    'model.decoder.init-uniform+init-a'
    >>> job_name({"data.dir": "a/b c"})
    'dir-b-c-d8a5b7'
    >>> job_name({})
    'job'
    """
    ends = [key.rpartition(".")[2] for key in values]
    keys = [key if ends.count(end) > 1 else end for key, end in zip(values, ends, strict=True)]
    exact = "+".join(f"{key}-{value}" for key, value in zip(keys, values.values(), strict=True))
    short = "+".join(f"{key}-{re.sub('.*/(?=.)', '', value)}" for key, value in zip(keys, values.values(), strict=True))
    name = re.sub(r"[^\w.+-]+", "-", short, flags=re.ASCII).strip("-.") or "job"
    if name == exact and len(name) <= LONGEST:
        return name
    return name if not values else f"{name[: LONGEST - 7]}-{short_digest(exact)}"


def sweep_name(fixed: Sequence[str], swept: Iterable[str]) -> str:
    """Name a sweep, so that the same command has the same name.

    The name has the experiment, the overlay or the keys that vary, and a digest of everything that is the same in all
    jobs. The values that vary are not in it, so a sweep with more of them continues the same one. Nor are secrets: with
    a new token it is the same sweep.

    >>> sweep_name(["+experiment=crf"], ["optim.encoder_lr", "seed"])
    'crf-encoder_lr-seed-fbb5e8'
    >>> sweep_name(["seed=1", "+experiment=crf", "+sweep=lr"], ["optim.encoder_lr"])
    'crf-lr-6909ef'
    """
    what = {
        key_of(word): value_of(word)
        for word in redact_words(fixed)
        if not key_of(word).startswith(_ELSEWHERE) or key_of(word) == "sweep.effective_batch"
    }
    overlay = [what["sweep"]] if "sweep" in what else [key.rpartition(".")[2] for key in swept]
    words = [what.get("experiment", ""), *overlay, short_digest(json.dumps(sorted(what.items())))]
    return re.sub(r"[^\w.-]+", "-", "-".join(word for word in words if word), flags=re.ASCII)[:LONGEST]


def short_digest(text: str, length: int = 6) -> str:
    """Digest a text to a few letters.

    >>> short_digest("")
    'e3b0c4'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def config_digest(config: Mapping[str, Any]) -> str:
    """Digest what a run computes: its resolved configuration without folders, loggers, secrets, sweep keys.

    Of the sweep's keys, only `effective_batch` counts: it decides what a step is.
    """
    what = {key: value for key, value in redact(config).items() if key not in _NOT_COMPUTED}
    if held := (config.get("sweep") or {}).get("effective_batch"):
        what["effective_batch"] = held
    text = json.dumps(what, sort_keys=True, default=str)
    folder = str((config.get("paths") or {}).get("output_dir") or ".")
    return short_digest(text if folder == "." else text.replace(json.dumps(folder)[1:-1], "."), 16)
