"""Compile with numba, and check beforehand what compiled code does not check.

Only this module imports numba, and modules that need it are imported only when a kernel is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["compiled", "count_words"]


def compiled(*fastmath: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with `numba.njit` at its first call, cached on disk if a cache folder of numba is writable.

    Division by zero gives infinity, as in numpy: a check would keep loops from vectorising.
    No `parallel=True`: threads that numba starts do not survive the fork of a data-loader worker or of `ddp_fork`.

    Args:
        fastmath: LLVM flags beyond strict IEEE arithmetic; each must be justified where it is given.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        flags = set(fastmath)
        try:
            return numba.njit(cache=True, nogil=True, fastmath=flags, error_model="numpy")(function)
        except RuntimeError:  # neither the package's folder nor the user's cache folder is writable
            return numba.njit(nogil=True, fastmath=flags, error_model="numpy")(function)

    return decorate


@compiled()
def count_words(mask, lengths):
    """Fill lengths from a mask; returns whether every sentence has a word and none has a hole."""
    right = True
    for b in range(mask.shape[0]):
        words = 0
        while words < mask.shape[1] and mask[b, words]:
            words += 1
        lengths[b] = words
        right &= words > 0
        for t in range(words, mask.shape[1]):
            right &= not mask[b, t]
    return right
