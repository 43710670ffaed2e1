"""Names of scores: `test/f1`, `test/f1/PER` of an entity type, `test/news/f1` of a source.

Entity types are data and may have any name, even `support`, `f1` or `a/b`; hence a key is read from its front, never
split at its slashes. A source has a plain name that is not the name of a score.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ner_lightning.errors import UserError

OF_TYPES = ("f1", "precision", "recall", "support")
"""Scores that exist for each entity type and each source."""

_NO_SOURCE = re.compile(r"((macro|lenient)_)?(f1|precision|recall|support|loss)")


class ScoreKey(NamedTuple):
    """The parts of a score's key.

    Attributes:
        name: `f1`, `macro_recall`, `loss`, …
        entity_type: the type it is for; None: all types.
        source: the corpus it is for; None: all corpora.
    """

    name: str
    entity_type: str | None = None
    source: str | None = None


def read_key(key: str) -> ScoreKey:
    """Split the key of a score, given without its split, into its parts.

    >>> read_key("macro_f1"), read_key("news/f1")
    (ScoreKey(name='macro_f1', entity_type=None, source=None), ScoreKey(name='f1', entity_type=None, source='news'))
    >>> read_key("support/a/b").entity_type, read_key("f1/support").entity_type
    ('a/b', 'support')
    """
    first, slash, rest = key.partition("/")
    if not slash:
        return ScoreKey(key)
    return ScoreKey(first, entity_type=rest) if first in OF_TYPES else ScoreKey(rest, source=first)


def can_name_source(name: str) -> bool:
    """Tell whether a source may have this name: letters, digits, `.`, `-`, `_`, and not the name of a score.

    >>> can_name_source("news"), can_name_source("macro_f1"), can_name_source("a/b")
    (True, False, False)
    """
    return re.fullmatch(r"[\w.-]+", name) is not None and _NO_SOURCE.fullmatch(name) is None


def is_further(key: str) -> bool:
    """Tell whether a key, without its split, is that of a further metric or of a callback, not of types or sources.

    >>> is_further("exact"), is_further("mine/exact"), is_further("macro_f1"), is_further("f1/a"), is_further("news/f1")
    (True, True, False, False, False)
    """
    name, entity_type, _ = read_key(key)
    return entity_type is None and _NO_SOURCE.fullmatch(name) is None


def check_metric_name(name: str) -> None:
    """Refuse names that a further metric cannot have: they would replace a score, or be read as another.

    >>> check_metric_name("exact")
    >>> check_metric_name("f1")
    Traceback (most recent call last):
    ner_lightning.errors.UserError: task.metrics.f1: there is a score of that name; choose another one
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name):
        raise UserError(f"task.metrics.{name}: expected a name of letters, digits and underscores")
    if not can_name_source(name):
        raise UserError(f"task.metrics.{name}: there is a score of that name; choose another one")
