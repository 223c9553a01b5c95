"""The brows: a tapered strip that follows the bone above each eye."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from koekao.head.curve import smooth, spline
from koekao.head.part import Part, grid_of, grid_quads, part

Floats = NDArray[np.float64]

_ALONG, _AROUND = 13, 7


def left_brow(depth: Callable[[Floats, Floats], Floats]) -> Part:
    """The left brow, laid on a face whose z is ``depth(x, y)``."""
    along = np.linspace(0, 1, _ALONG)
    x = 0.15 + 0.47 * along
    y = spline((0, 0.3, 0.62, 1.0), (0.312, 0.350, 0.352, 0.268), along)
    tall = (
        0.044 * np.sqrt(np.clip(1 - (1 - along / 0.16).clip(0) ** 2, 0.25, 1)) * (1 - 0.80 * smooth(0.35, 1.05, along))
    )
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND
    slope = np.gradient(y, x)
    rise = np.sin(turn) * (tall / np.hypot(slope, 1))[:, None]
    xs, ys = x[:, None] - slope[:, None] * rise, y[:, None] + rise
    zs = depth(xs.ravel(), ys.ravel()).reshape(xs.shape) + 0.6 * tall[:, None] * np.cos(turn) + 0.006
    places = np.stack([xs, ys, zs], axis=-1)
    places[-1] = places[-1].mean(axis=0)
    ids = grid_of(places)
    ids[-1] = ids[-1, 0]
    fan = np.stack([np.full(_AROUND - 2, ids[0, 0]), ids[0, 1:-1], ids[0, 2:], ids[0, 2:]], axis=-1)
    return part("brow", places, np.concatenate([grid_quads(ids, closed=True), fan]), "brows")
