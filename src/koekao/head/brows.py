"""The brows: a tapered strip that follows the bone above each eye."""

from __future__ import annotations

import numpy as np

from koekao.head.curve import smooth, spline
from koekao.head.part import Part, grid_quads, part


def left_brow(surface) -> Part:
    """The left brow, laid on ``surface`` (x, y -> z)."""
    along = np.linspace(0, 1, 13)
    x = 0.15 + 0.47 * along
    y = spline((0, 0.3, 0.62, 1.0), (0.285, 0.335, 0.350, 0.265), along)
    tall = 0.044 * np.sqrt(np.clip(1 - (1 - along / 0.16).clip(0) ** 2, 0.12, 1)) * (1 - 0.80 * smooth(0.35, 1.05, along))
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
    quads = [grid_quads(ids.T[::-1].T[:, ::-1].T, closed=False)]
    ring = np.concatenate([ids, ids[:, :1]], 1)
    quads = [grid_quads(ring)]
    ends = []
    for row, flip in ((ids[0], True), (ids[-1], False)):
        fan = np.stack([np.full(5, row[0]), row[1:-1], row[2:], row[2:]], -1)
        ends.append(fan[:, ::-1] if flip else fan)
    quads = np.concatenate([*quads, *ends])
    return part("brow", places.reshape(-1, 3), quads, "brows", marks={"brow": np.ones(places[..., 0].size)})
