"""What of a configuration may leave the machine: no secrets, nothing huge."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

HIDDEN = "(hidden)"
LONGEST_TEXT = 1000  # characters
MOST_ITEMS = 100

# `token` alone would take `unk_token`, `key` alone `text_key`.
SECRET = re.compile(
    r"(^|[_.-])(password|passwd|secret|credentials?|authorization|(api|access|private|secret)[_-]?key"
    r"|(auth|access|api|bearer|hf|hub|refresh|session)[_-]?token)$|^token$",
    re.IGNORECASE,
)
LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def is_secret(key: str) -> bool:
    """Whether a key (or the name of an environment variable) says that its value is a secret.

    >>> [is_secret(key) for key in ("token", "hub_token", "WANDB_API_KEY", "db.password")]
    [True, True, True, True]
    >>> [is_secret(key) for key in ("unk_token", "text_key", "tokens_per_batch", "tokenizer")]
    [False, False, False, False]
    """
    return SECRET.search(key) is not None


def secret_values(environment: Mapping[str, str]) -> frozenset[str]:
    """The secrets of an environment: a configuration may hold them under any key, by `${oc.env:...}`.

    >>> sorted(secret_values({"HF_TOKEN": "hf_0123456789", "API_KEY": "short", "HOME": "/home/someone"}))
    ['hf_0123456789']
    """
    return frozenset(value for name, value in environment.items() if is_secret(name) and len(value) >= 8)


def tells_secret(words: Iterable[str], secrets: Collection[str] = ()) -> bool:
    """Whether a command line holds a secret.

    Args:
        words: of the command line.
        secrets: texts that are secret wherever they stand.

    >>> tells_secret(["train", "+data.hub_token=abc"]), tells_secret(["train", "data.text_key=abc"])
    (True, False)
    """
    return any(is_secret(word.partition("=")[0]) or publishable(word, secrets) != word for word in words)


def hide_in_words(words: Iterable[str], secrets: Collection[str] = ()) -> list[str]:
    """Words of a command line with the values of secret keys hidden.

    >>> hide_in_words(["seed=1", "+data.hub_token=abc"])
    ['seed=1', '+data.hub_token=(hidden)']
    """
    pairs = (word.partition("=") for word in words)
    return [_publishable_text(f"{key}={HIDDEN}" if is_secret(key) and eq else key + eq + value, secrets)
            for key, eq, value in pairs]  # fmt: skip


def publishable(value: Any, secrets: Collection[str] = ()) -> Any:
    """A copy of plain containers without secrets and without anything huge.

    Args:
        value: configuration, in dicts, lists and scalars.
        secrets: texts to hide wherever they stand, also inside a longer text.

    Returns:
        Dicts, lists and scalars. Values of secret keys, the secrets given and logins in URLs read `(hidden)`; a text of
        over 1,000 characters is cut, a list or dict of over 100 items replaced, and both say by how much.

    >>> publishable({"api_key": "abc", "url": "https://me:pw@host/x", "lr": 1e-4, "rows": list(range(500))})
    {'api_key': '(hidden)', 'url': 'https://(hidden)@host/x', 'lr': 0.0001, 'rows': '(500 items left out)'}
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list | tuple) and len(value) > MOST_ITEMS:
        return f"({len(value)} items left out)"
    if isinstance(value, Mapping):
        return {str(key): _hide(publishable(item, secrets), str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [publishable(item, secrets) for item in value]
    return _publishable_text(str(value), secrets)


def _hide(value: Any, key: str) -> Any:
    return value if value is None or isinstance(value, bool | int | float) or not is_secret(key) else HIDDEN


def _publishable_text(text: str, secrets: Collection[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = LOGIN_IN_URL.sub(HIDDEN, text)
    rest = len(text) - LONGEST_TEXT
    return text if rest <= 0 else f"{text[:LONGEST_TEXT]} ({rest} more characters left out)"
