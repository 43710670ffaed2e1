"""The compiled kernels with arrays to fill made for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ner_lightning.functional.crf.numba.partition import differentiate
from ner_lightning.functional.crf.numba.path import subtract


class Derivatives(NamedTuple):
    """Log Z of each sentence (or its loss), and the derivatives of their weighted sum."""

    log_z: np.ndarray
    d_emissions: np.ndarray
    d_start: np.ndarray
    d_end: np.ndarray
    d_transitions: np.ndarray


def derivatives(emissions: Any, lengths: Any, *scores: Any) -> Derivatives:
    """Log Z and its derivatives, of emissions, lengths, start, end, transitions and weights."""
    tags = emissions.shape[2]
    log_z, d_emissions, d_moves = np.empty(len(lengths)), np.empty(emissions.shape), np.zeros((tags + 2, tags))
    wide = [np.ascontiguousarray(part, np.float64) for part in scores]
    differentiate(np.ascontiguousarray(emissions), lengths, *wide, log_z, d_emissions, d_moves)
    return Derivatives(log_z, d_emissions, d_moves[0], d_moves[1], d_moves[2:])


def subtract_path(found: Derivatives, emissions: Any, lengths: Any, *scores: Any, tags: Any) -> None:
    """Make losses of log Z, in place."""
    wide = [np.ascontiguousarray(part, np.float64) for part in scores]
    subtract(np.ascontiguousarray(emissions), lengths, *wide, tags, *found)
