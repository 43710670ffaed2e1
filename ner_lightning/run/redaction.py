"""Redact secrets from everything that is written or sent; no other module does it.

A secret is recognised by the name of its key (or of its environment variable), by its place in a URL, or by its shape.
The text of one recognised by name is hidden wherever else it occurs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ner_lightning.storage.atomic import write_text

HIDDEN = "(hidden)"
SHORTEST_SECRET = 8  # characters; hiding a shorter one everywhere would hide ordinary words
LONGEST_TEXT = 1000  # characters
MOST_ITEMS = 100

_KEY_KINDS = (
    "access|account|api|app|auth|client|encryption|license|master|private|secret|service|shared|signing|ssh|storage"
    "|subscription"
)
_TOKEN_KINDS = "access|api|auth|bearer|bot|git|github|gitlab|hf|hub|id|npm|pypi|refresh|session|slack|wandb"
_LOGINS = "admin|db|ftp|http|https|login|mail|mysql|pg|proxy|redis|smtp|user"
_SECRET = re.compile(
    r".*(password|passwd|passphrase|secret|credential)s?"
    r"|.*_pat|(.*_)?(pwd|auth|authorization|bearer|cookies?|connection_string)"
    rf"|(.*_)?({_LOGINS})_?pass|pass"
    rf"|(.*_)?({_KEY_KINDS})_?keys?(_?id)?"
    rf"|(.*_)?({_TOKEN_KINDS})_?tokens?"
    r"|((?P<kind>[a-z0-9]+_)*(?P<last>[a-z0-9]+)_)?token"
)
# Tokens in the sense of a tokenizer or a limit: `unk_token`, `max_token`.
_NO_SECRET_TOKENS = frozenset(
    {
        *("additional", "audio", "begin", "blank", "bod", "bop", "bos", "boundary", "class", "cls", "current", "each"),
        *("empty", "end", "eod", "eop", "eos", "extra", "fill", "first", "image", "last", "mask", "max", "middle"),
        *("min", "new", "next", "null", "num", "one", "oov", "pad", "padding", "per", "prefix", "previous", "sep"),
        *("separator", "special", "start", "sub", "suffix", "unk", "unknown", "video", "word"),
    }
)
_NO_SECRET_VARIABLES = frozenset({"PWD", "OLDPWD"})  # folders

_BY_ENVIRONMENT = re.compile(r"\$\{oc\.(env|decode):[\w${}:.]+\}")
_NOTHING = re.compile(r"(?i:null|none|true|false|value|\?\?\?|\(hidden\)|)")
_LOGIN_IN_URL = re.compile(r"(?<=//)[^/\s?#'\"]+(?=@)")
_PARAMETER_OF_URL = re.compile(
    r"(?i)(?<=[?&])(auth|code|key|policy|s|sas|sig|signature|x-amz-[\w-]+|x-goog-[\w-]+)=[^&\s#'\"]+"
)
# `key=value`, and `key: value` if it is inside braces or the key is quoted.
_ASSIGNMENT = re.compile(
    r"""(?P<before>(?<![\w.-])(?P<key>[A-Za-z_][\w.-]*)\s?=\s?|(?:[{,]\s*|["'])(?P<key2>[A-Za-z_][\w.-]*)["']?\s*:\s*)"""
    r"""(?P<value>\(hidden\)|"[^"]*"|'[^']*'|\$\{[^}\s]*\}+|[^\s,;&'"}\])]+)"""
)
_BY_SHAPE = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bxox[abeoprs]-[\w-]{10,}|\bAIza[\w-]{35}|\bwandb_v\d_\w{20,}"
    r"|\bsk-(?:[a-z]+\d*-){0,3}(?=\w*\d)(?=\w*[A-Z])\w{20,}"
    r"|\bpypi-AgE[\w-]{20,}|\bnpm_[A-Za-z0-9]{30,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=Bearer )[\w.~+/=-]{8,}|(?<=Basic )[A-Za-z0-9+/=]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)


def is_secret(name: str) -> bool:
    """Tell whether the name of a key, a dotted path of keys or an environment variable marks its value as secret.

    >>> [is_secret(name) for name in ("token", "github_token", "API_KEY", "db.password", "DEPLOY_PAT", "hubToken")]
    [True, True, True, True, True, True]
    >>> [is_secret(name) for name in ("unk_token", "text_key", "tokens_per_batch", "tokenizer", "author")]
    [False, False, False, False, False]
    """
    return any(map(_says_secret, name.split(".")))


@functools.lru_cache(maxsize=4096)
def _says_secret(name: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").strip("_ ")
    found = _SECRET.fullmatch(re.sub(r"_?\d+$", "", words))
    return found is not None and found["last"] not in _NO_SECRET_TOKENS


def known_secrets(environment: Mapping[str, str], *containers: Any) -> frozenset[str]:
    """Collect the texts that are secret wherever they occur.

    Args:
        environment: variables; the values of those with secret names may appear under any key of a configuration.
        containers: configurations; the values under secret keys count.

    >>> sorted(known_secrets({"HF_TOKEN": "hf_01234567", "API_KEY": "short", "HOME": "/home/someone"}))
    ['hf_01234567']
    >>> known_secrets({}, {"data": [{"password": "open sesame"}], "seed": 1})
    frozenset({'open sesame'})
    """
    found = [value for name, value in environment.items() if is_secret(name) and name not in _NO_SECRET_VARIABLES]
    found += [text for container in containers for text in _under_secret_keys(container, False)]
    return frozenset(text for text in found if len(text) >= SHORTEST_SECRET and not _is_open(text))


def _under_secret_keys(value: Any, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _under_secret_keys(item, secret or is_secret(str(key)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _under_secret_keys(item, secret)
    elif secret and value is not None and not isinstance(value, bool):
        yield str(value)


def redact(value: Any, secrets: Collection[str] = ()) -> Any:
    """Copy plain containers without their secrets; everything else stays as it is.

    Args:
        value: configuration, in dicts, lists and scalars.
        secrets: texts to hide wherever they occur, even inside a longer text, besides those under secret keys here.

    Returns:
        Dicts, lists and scalars. An interpolation of the environment (`${oc.env:HF_TOKEN}`) reveals nothing and
        is kept.

    >>> redact({"api_key": "abc", "url": "https://me:pw@host/x?token=abc&page=2", "lr": 1e-4})
    {'api_key': '(hidden)', 'url': 'https://(hidden)@host/x?token=(hidden)&page=2', 'lr': 0.0001}
    """
    return _redact(value, _longest_first({*secrets, *known_secrets({}, value)}))


def _redact(value: Any, secrets: list[str]) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {
            _redact(key, secrets): _hide(item) if is_secret(str(key)) else _redact(item, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redact(item, secrets) for item in value]
    text = str(value)
    public = _redact_text(text, secrets)
    return value if public == text else public


def _hide(value: Any) -> Any:
    """Hide the value under a secret key, unless it is empty, true or false, which is no secret."""
    return value if value is None or isinstance(value, bool) or (isinstance(value, str) and _is_open(value)) else HIDDEN


def _is_open(text: str) -> bool:
    return bool(_BY_ENVIRONMENT.fullmatch(text) or _NOTHING.fullmatch(text))


def redact_text(text: str, secrets: Collection[str] = ()) -> str:
    """Remove secrets from a text: a line of a log, an error, a tag.

    >>> redact_text("GET https://host/x?sig=abc gave 403 for hub_token=abc, page=2")
    'GET https://host/x?sig=(hidden) gave 403 for hub_token=(hidden), page=2'
    """
    return _redact_text(text, _longest_first(secrets))


def _redact_text(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    if "//" in text:
        text = _LOGIN_IN_URL.sub(HIDDEN, text)
    if "?" in text:
        text = _PARAMETER_OF_URL.sub(rf"\1={HIDDEN}", text)
    text = _BY_SHAPE.sub(HIDDEN, text)
    return _ASSIGNMENT.sub(_redact_assignment, text) if "=" in text or ":" in text else text


def _redact_assignment(found: re.Match[str]) -> str:
    value = found["value"]
    if not is_secret(found["key"] or found["key2"]) or _is_open(value.strip("'\"")):
        return found[0]
    return found["before"] + HIDDEN


def _longest_first(secrets: Collection[str]) -> list[str]:
    """Sort secrets by length, as one may begin with another, and add their escaped forms as in URLs."""
    return sorted({form for text in secrets for form in (text, quote(text, safe=""))}, key=len, reverse=True)


def redact_words(words: Iterable[str], secrets: Collection[str] = ()) -> list[str]:
    """Remove secrets from the words of a command line.

    >>> redact_words(["seed=1", "+data.hub_token=abc", "+data.key='${oc.env:MY_TOKEN}'"])
    ['seed=1', '+data.hub_token=(hidden)', "+data.key='${oc.env:MY_TOKEN}'"]
    """
    words = list(words)
    pairs = [word.partition("=") for word in words]
    under = {key.lstrip("+~-"): value.strip("'\"") for key, _, value in pairs}
    known = _longest_first({*secrets, *known_secrets({}, under)})
    return [
        f"{key}={HIDDEN}" if is_secret(key.lstrip("+~-")) and not _is_open(value.strip("'\""))
        else _redact_text(key + equals + value, known)
        for key, equals, value in pairs
    ]  # fmt: skip


def tells_secret(words: Iterable[str], secrets: Collection[str] = ()) -> bool:
    """Tell whether a command line holds a secret.

    >>> tells_secret(["train", "+data.hub_token=abc"]), tells_secret(["train", "data.text_key=abc"])
    (True, False)
    """
    words = list(words)
    return redact_words(words, secrets) != words


def publishable(value: Any, secrets: Collection[str] = ()) -> Any:
    """Copy plain containers for sending elsewhere: without secrets, and without anything very large.

    Args:
        value: configuration, in dicts, lists and scalars.
        secrets: of `redact`.

    Returns:
        As `redact`; a text of over 1,000 characters is cut, a list or dict of over 100 items replaced, both with a note
        of how much is missing.

    >>> publishable({"api_key": "abc", "lr": 1e-4, "rows": list(range(500))})
    {'api_key': '(hidden)', 'lr': 0.0001, 'rows': '(500 items left out)'}
    """
    return _shorten(redact(value, secrets))


def _shorten(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list) and len(value) > MOST_ITEMS:
        return f"({len(value)} items left out)"
    if isinstance(value, Mapping):
        return {str(key): _shorten(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shorten(item) for item in value]
    text = str(value)
    rest = len(text) - LONGEST_TEXT
    return text if rest <= 0 else f"{text[:LONGEST_TEXT]} ({rest} more characters left out)"


def hidden_places(value: Any, place: str = "") -> Iterator[str]:
    """Yield the keys, as on a command line, whose secret a stored configuration has lost.

    >>> [*hidden_places({"data": {"hub_token": "(hidden)", "dir": "https://(hidden)@host"}})]
    ['data.hub_token', 'data.dir']
    """
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from hidden_places(item, f"{place}.{key}" if place else str(key))
    if isinstance(value, str) and HIDDEN in value:
        yield place


def redact_yaml(path: Path, secrets: Collection[str]) -> None:
    """Rewrite a YAML file that another program wrote, without secrets; a missing file is left alone."""
    import yaml  # type: ignore[import-untyped]

    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return
    public = redact(stored, secrets)
    if public != stored:
        write_text(path, yaml.safe_dump(public, sort_keys=False, allow_unicode=True))
