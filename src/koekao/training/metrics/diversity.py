"""Diversity: do different sounds get different faces? As far apart as the true takes = 1, always the same face = 0.

Two takes are as far apart as their curves are, frame k beside frame k, in root mean square over the frames that both
have tracked; diversity is that of all pairs of predicted takes / that of all pairs of true takes. It is what ratios
within a take cannot see: a mouth that repeats one lively loop whatever it hears has a velocity ratio of 1 and no
diversity. Nor does it say that the right take got the right face; that is what r is for.

All pairs at once, from sums over takes: over the n takes that have a frame, sum of (x_i - x_j)² over pairs i < j is
n * sum of x² - (sum of x)². Of several curves the squares are summed before dividing. It is not defined for one take,
and where the true takes do not differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from koekao.training.metrics.tracked import Array, Tracked

LEAST_SQUARE = 1e-12
"""A pair's mean square, in curve units, below which two takes are the same but for rounding."""


def squares_apart(takes: Sequence[Tracked]) -> tuple[Array, Array]:
    """Squared distances over all pairs of takes and all frames that they share, ``[52]``, predicted and true.

    Takes closer than :data:`LEAST_SQUARE` count as the same.
    """
    longest = max(int(take.frames[-1]) + 1 if len(take) else 0 for take in takes)
    n_takes = np.zeros((longest, 1))
    for take in takes:
        n_takes[take.frames] += 1
    predicted = _apart([take.predicted for take in takes], takes, n_takes)
    truth = _apart([take.truth for take in takes], takes, n_takes)
    return predicted, truth


def _apart(curves: Sequence[Array], takes: Sequence[Tracked], n_takes: Array) -> Array:
    total, squares = (np.zeros((len(n_takes), curves[0].shape[1])) for _ in range(2))
    for values, take in zip(curves, takes, strict=True):
        total[take.frames] += values
        squares[take.frames] += np.square(values)
    apart = (n_takes * squares - np.square(total)).sum(0)
    n_pairs = (n_takes * (n_takes - 1) / 2).sum()
    return np.where(apart < LEAST_SQUARE * n_pairs, 0, apart)
