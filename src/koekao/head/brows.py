"""The brows: a tapered strip that follows the bone above each eye."""

from __future__ import annotations

import numpy as np

from koekao.head.curve import smooth, spline
from koekao.head.part import Part, grid_quads, part


def left_brow(surface) -> Part:
    """The left brow, laid on ``surface`` (x, y -> z)."""
    along = np.linspace(0, 1, 13)
    x = 0.15 + 0.47 * along
    y = spline((0, 0.3, 0.62, 1.0), (0.312, 0.350, 0.352, 0.268), along)
    tall = 0.044 * np.sqrt(np.clip(1 - (1 - along / 0.16).clip(0) ** 2, 0.25, 1)) * (1 - 0.80 * smooth(0.35, 1.05, along))
    turn = 2 * np.pi * np.arange(7) / 7
    slope = np.gradient(y, x)
    across = np.stack([-slope, np.ones_like(x)], -1) / np.hypot(slope, 1)[:, None]
    rows = []
    for k in range(len(x)):
        xy = np.array([x[k], y[k]]) + across[k] * (np.sin(turn) * tall[k])[:, None]
        z = surface(xy[:, 0], xy[:, 1]) + 0.6 * tall[k] * np.cos(turn) + 0.006
        rows.append(np.column_stack([xy, z]))
    places = np.stack(rows)
    ids = np.arange(places[..., 0].size).reshape(places.shape[:2])
    ids[-1] = ids[-1, 0]
    places[-1] = places[-1].mean(axis=0)
    fan = np.stack([np.full(5, ids[0, 0]), ids[0, 1:-1], ids[0, 2:], ids[0, 2:]], axis=-1)
    quads = np.concatenate([grid_quads(ids, closed=True), fan])
    used = np.unique(ids)
    places = places.reshape(-1, 3)[used]
    return part("brow", places, quads, "brows")
