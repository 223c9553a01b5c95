"""Small motion of the head, as a function of (seed, time): smooth noise whose power falls with frequency.

Four layers of chance values, 4, 2, 1 and 0.5 s apart, each a uniform cubic B-spline through which the values are
blended: twice differentiable, next to nothing above 2 Hz, and never beyond the largest value, so the bound holds for
good and not only usually. A layer weighs 1.4 times as much as the next faster one, so the amplitude falls about as 1/f
(the power as 1/f^2) up to half a Hz, and faster above. Pitch moves 0.7, roll 0.4 times as far as yaw. The head comes
out of the neutral pose within the first two seconds.

What it gives up: it knows no words. People nod on stresses, and this head does not.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.controls.keyed import KeyedChance
from koekao.controls.settings import HeadMotion
from koekao.controls.stage import eased, times_of

APART_S = (4.0, 2.0, 1.0, 0.5)
WEIGHTS = (0.39, 0.275, 0.195, 0.14)
AXES = (1.0, 0.7, 0.4)
"""Yaw, pitch and roll as shares of the amount."""
COMES_IN_S = 2.0
_PURPOSE = 16


class HeadStream:
    """The head at frames of ``fps``."""

    def __init__(self, settings: HeadMotion, fps: Fraction, seed: int) -> None:
        is_on = settings.when != "never" and settings.amount_deg > 0
        self._reach_rad = np.array(AXES) * (math.radians(settings.amount_deg) if is_on else 0.0)
        self._fps = fps
        self._layers = [KeyedChance(seed, _PURPOSE + i, 3) for i in range(len(APART_S))] if is_on else []

    def frames(self, first: int, n: int) -> NDArray[np.float64]:
        """Yaw, pitch and roll of frames ``first .. first + n - 1`` in radians: ``[n, 3]``."""
        pose = np.zeros((n, 3))
        if not self._layers or not n:
            return pose
        time_s = times_of(first, n, self._fps)
        place = time_s[:, None] / np.array(APART_S)
        knot = place.astype(np.int64)
        blended = _blended(np.stack([self._around(i, knot[:, i]) for i in range(len(APART_S))], 1), place - knot)
        for layer, weight in enumerate(WEIGHTS):
            pose += weight * blended[:, layer]
        moving: NDArray[np.float64] = self._reach_rad * (eased(time_s / COMES_IN_S)[:, None] * pose)
        return moving

    def _around(self, layer: int, knot: NDArray[np.int64]) -> NDArray[np.float64]:
        """The four values in [0, 1) of a layer from each of ``[T]`` knots on, which do not fall: ``[T, 4, 3]``."""
        begin = int(knot[0])
        values = self._layers[layer].rows(begin, int(knot[-1]) - begin + 4)
        return values[None] if len(knot) == 1 else values[(knot - begin)[:, None] + np.arange(4)]


def _blended(values: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """The uniform cubic B-spline of values ``[T, L, 4, 3]`` at ``u [T, L]`` of the way, as -1 to 1: ``[T, L, 3]``."""
    u = u[:, :, None]
    v, square, cube = 1 - u, u * u, u * u * u
    first, last = v * v * v, cube
    second = 3 * cube - 6 * square + 4
    third = 6 - first - second - last
    total = first * values[:, :, 0] + second * values[:, :, 1] + third * values[:, :, 2] + last * values[:, :, 3]
    blended: NDArray[np.float64] = total / 3 - 1
    return blended
