"""Smooth curves through given points, and the bumps that shapes are built of."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def spline(knots: ArrayLike, values: ArrayLike, at: ArrayLike) -> Floats:
    """Natural cubic spline through ``values`` ``[k]`` or ``[k, d]`` at ``knots`` ``[k]``, read at ``at``."""
    x, y, q = np.asarray(knots, float), np.asarray(values, float), np.asarray(at, float)
    h = np.diff(x)
    n = len(x)
    system, right = np.zeros((n, n)), np.zeros((n, *y.shape[1:]))
    system[0, 0] = system[-1, -1] = 1.0
    slope = np.diff(y, axis=0) / h.reshape(-1, *[1] * (y.ndim - 1))
    for k in range(1, n - 1):
        system[k, k - 1 : k + 2] = h[k - 1], 2 * (h[k - 1] + h[k]), h[k]
        right[k] = 6 * (slope[k] - slope[k - 1])
    bend = np.linalg.solve(system, right)
    i = np.clip(np.searchsorted(x, q, side="right") - 1, 0, n - 2)
    shape = (*q.shape, *[1] * (y.ndim - 1))
    step, u = h[i].reshape(shape), (q - x[i]).reshape(shape)
    b = slope[i] - step * (2 * bend[i] + bend[i + 1]) / 6
    return np.asarray(y[i] + u * (b + u * (bend[i] / 2 + u * (bend[i + 1] - bend[i]) / (6 * step))))


def smooth(low: ArrayLike, high: ArrayLike, x: ArrayLike) -> Floats:
    """0 at ``low``, 1 at ``high`` and beyond, smooth between; ``low`` may be the greater."""
    low, high, x = np.asarray(low, float), np.asarray(high, float), np.asarray(x, float)
    u = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(u * u * u * (u * (6 * u - 15) + 10))


def bump(x: ArrayLike, middle: ArrayLike, width: ArrayLike) -> Floats:
    """A bell of height 1 round ``middle``; at ``width`` it is 0.61."""
    return np.asarray(np.exp(-0.5 * ((np.asarray(x, float) - middle) / np.asarray(width, float)) ** 2))


def dome(places: Floats, middle: tuple[float, float], width: tuple[float, float]) -> Floats:
    """A bell over x and y of ``places`` ``[..., 3]``."""
    return bump(places[..., 0], middle[0], width[0]) * bump(places[..., 1], middle[1], width[1])
