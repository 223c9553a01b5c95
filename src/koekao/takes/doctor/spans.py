"""Stretches of rows and the time they take: where a condition holds, from when to when."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """From ``start_s`` to ``end_s``, in seconds from the start of the sound."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


def runs(held: NDArray[np.bool_]) -> NDArray[np.int64]:
    """``[k, 2]`` first index and one past the last of every unbroken stretch of true in ``held`` ``[n]``.

    >>> runs(np.array([True, False, True, True])).tolist()
    [[0, 1], [2, 4]]
    """
    padded = np.zeros(len(held) + 2, np.int8)
    padded[1:-1] = held
    return np.flatnonzero(np.diff(padded)).reshape(-1, 2)


def spread(values: NDArray[Any], most: int) -> NDArray[Any]:
    """At most ``most`` of ``values`` ``[n]``, evenly over all of them, the first and the last among them."""
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(np.int64)]


def share_of(parts: int, whole: int) -> float:
    """``parts / whole``, and 0 of nothing."""
    return parts / whole if whole else 0.0
