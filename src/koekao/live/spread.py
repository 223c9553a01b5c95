"""How a measured time is spread, over hours, in a kilobyte: a histogram whose steps grow by a twentieth."""

from __future__ import annotations

import math

import numpy as np

_LOWEST_MS, _GROWTH, _STEPS = 0.01, 1.05, 320


class Spread:
    """Milliseconds, one by one; quantiles to 5 %, from 10 µs to a minute."""

    def __init__(self) -> None:
        self._counts = np.zeros(_STEPS, np.int64)

    def __len__(self) -> int:
        return int(self._counts.sum())

    def add(self, ms: float) -> None:
        step = math.ceil(math.log(max(ms, _LOWEST_MS) / _LOWEST_MS, _GROWTH))
        self._counts[min(step, _STEPS - 1)] += 1

    def quantile(self, share: float) -> float:
        """The ms that ``share`` (0..1) of all were at most; NaN where there were none."""
        reached = np.cumsum(self._counts)
        if not reached[-1]:
            return math.nan
        return float(_LOWEST_MS * _GROWTH ** int(np.searchsorted(reached, max(1.0, share * reached[-1]))))
