"""Read the comments of column files: what they say of a sentence and of its document."""

from __future__ import annotations

import re
from pathlib import Path

# "# text", "#" or "#key = value"; a hashtag is none of them.
_COMMENT = re.compile(r"#(\s|$|[\w.]+\s*=)")
_METADATA = re.compile(r"#\s*(newdoc|sent_id|text)\b(?:\s+id)?\s*(?:=\s?(.*))?$")


def looks_like_comment(line: str) -> bool:
    """Tell whether a line looks like a comment, not like a word that begins with `#`.

    >>> looks_like_comment("# sent_id = 1"), looks_like_comment("#hashtag")
    (True, False)
    """
    return _COMMENT.match(line) is not None


def is_metadata(line: str) -> bool:
    """Tell whether a line is a comment about a sentence or the beginning of a document.

    >>> is_metadata("# newdoc id = 7"), is_metadata("# a remark")
    (True, False)
    """
    return _METADATA.match(line) is not None


def read_document(comment: str, path: Path, number: int) -> str:
    """Return the name of the document that a comment begins, its place if it has none; empty if it begins none.

    >>> read_document("# newdoc id = 7", Path("a.iob2"), 3), read_document("# newdoc", Path("a.iob2"), 3)
    ('7', 'a.iob2:3')
    """
    match = _METADATA.match(comment)
    return (match[2] or f"{path.name}:{number}") if match and match[1] == "newdoc" else ""


def read_metadata(comment: str) -> dict[str, str]:
    """Return what a comment says of its sentence, by key.

    >>> read_metadata("# sent_id = n01-3"), read_metadata("# newdoc id = 7")
    ({'sent_id': 'n01-3'}, {})
    """
    match = _METADATA.match(comment)
    return {match[1]: match[2]} if match and match[2] and match[1] != "newdoc" else {}
