"""Options of groups that are no longer there, and what does their work."""

from __future__ import annotations

_SIDE_BY_SIDE = "jobs side by side on this machine are sweep.workers=N, without a launcher."

GONE = {
    "hydra/launcher=joblib": _SIDE_BY_SIDE,
    "hydra/launcher=parallel": _SIDE_BY_SIDE,
    "trainer=fsdp": "trainer=fsdp2 does its work, and clips gradients by norm.",
    "trainer=deepspeed": "trainer=fsdp2 shards too, and its checkpoints are like any other.",
}
"""The sentence for each."""


def told_of_gone(group: str, option: str) -> str | None:
    """Say what does the work of an option that is gone; None: it never was one.

    >>> told_of_gone("trainer", "fsdp")
    'trainer=fsdp is gone: trainer=fsdp2 does its work, and clips gradients by norm.'
    """
    word = f"{group}={option}"
    return f"{word} is gone: {GONE[word]}" if word in GONE else None
