"""Tags of a sentence in a file become spans; what is wrong with them gets its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ner_lightning.data.report import DataError, ReadReport
from ner_lightning.tagging import EntitySpan, Repair, irregular_steps, is_transition_allowed, tags_to_spans


def read_tags(
    tags: Sequence[str], lines: Sequence[int], scheme: str, repair: Repair, path: Path | str, report: ReadReport
) -> tuple[EntitySpan, ...]:
    """Decode the tags of one sentence, count and list what was repaired.

    Args:
        tags: one a word.
        lines: the line (or row) each word stands in.
        scheme: the file's tag scheme.
        repair: `conlleval`, `discard` or `error`.
        path: the file, for messages.
        report: gets `repaired` and its problems.

    Raises:
        DataError: a tag is not one of the scheme's, or a step is forbidden and `repair` is `error`.
    """
    try:
        spans, repaired = tags_to_spans(tags, scheme, repair)
    except ValueError as error:
        line = lines[min(_first_fault(tags, scheme), len(lines) - 1)]
        raise DataError(f"{error}; correct the tag, name another scheme or repair", path, line) from None
    if repaired:
        report.repaired += repaired
        for index in irregular_steps(tags, scheme):
            before = tags[index - 1] if index else "the start"
            after = tags[index] if index < len(tags) else "the end"
            place = lines[min(index, len(lines) - 1)]
            report.note(f"the scheme {scheme} forbids {after} after {before} ({repair})", path, place, "repaired")
    return spans


def _first_fault(tags: Sequence[str], scheme: str) -> int:
    steps = zip([None, *tags], [*tags, None], strict=True)
    for index, (before, after) in enumerate(steps):
        try:
            allowed = is_transition_allowed(scheme, before, after)
        except ValueError:
            return index
        if not allowed:
            return index
    return 0
