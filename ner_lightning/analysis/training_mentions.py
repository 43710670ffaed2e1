"""Count how often each entity occurs in the training data, for `seen` and `unseen`; kept in a small file of the run.

The run folder has no training data. `mention_counts` counts while the data are there, `write_mentions` stores it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ner_lightning.data.sentence import Sentence
from ner_lightning.errors import DataError
from ner_lightning.storage.atomic import write_text
from ner_lightning.tagging.spans import EntitySpan

Mention = tuple[str, str]
"""Surface (words joined by spaces, case unchanged) and type."""


def mention_of(words: Sequence[str], span: EntitySpan) -> Mention:
    """Return an entity's surface and its type.

    >>> mention_of(("in", "New", "York"), EntitySpan(1, 3, "LOC"))
    ('New York', 'LOC')
    """
    return " ".join(words[span.start : span.end]), span.label


def mention_counts(sentences: Iterable[Sentence]) -> Counter[Mention]:
    """Count how often each mention is annotated.

    >>> mention_counts([Sentence(("Oslo",), (EntitySpan(0, 1, "LOC"),))] * 2)
    Counter({('Oslo', 'LOC'): 2})
    """
    return Counter(mention_of(sentence.words, span) for sentence in sentences for span in sentence.spans)


def write_mentions(path: Path, counts: Mapping[Mention, int]) -> None:
    """Write counts as JSON, `{"LOC": {"Oslo": 2}}`, the most frequent first.

    Args:
        path: the file; its folder is made if needed.
        counts: of `mention_counts`.
    """
    by_type: dict[str, dict[str, int]] = {}
    for (surface, label), n in sorted(counts.items(), key=lambda item: (item[0][1], -item[1], item[0][0])):
        by_type.setdefault(label, {})[surface] = n
    write_text(path, json.dumps(by_type, ensure_ascii=False, indent=0) + "\n")


def read_mentions(path: Path) -> Counter[Mention]:
    """Read what `write_mentions` wrote.

    Raises:
        DataError: it is not such a file.
    """
    try:
        by_type = json.loads(path.read_text(encoding="utf-8"))
        counts = {(surface, label): n for label, surfaces in by_type.items() for surface, n in surfaces.items()}
        if not all(type(n) is int and n > 0 for n in counts.values()):
            raise ValueError("a count is no positive number")
    except (ValueError, AttributeError) as error:
        raise DataError(
            f'expected counts of training mentions ({{"LOC": {{"Oslo": 2}}}}), found something else ({error}); '
            "train the run again, or remove the file: slices by frequency are then left out",
            path,
        ) from error
    return Counter(counts)
