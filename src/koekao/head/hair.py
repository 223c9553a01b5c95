"""Hair: a shell over the skull that rises from the hairline and is combed back in locks."""

from __future__ import annotations

import numpy as np

from koekao.head.curve import bump, smooth, spline
from koekao.head.part import Part, grid_of, grid_quads, mirrored, part
from koekao.head.skull import skull

_COLUMNS, _ROWS = 37, 16
_HAIRLINE = (  # angle, level of the skull where the hair ends
    (0, 2.02), (22, 1.98), (45, 2.15), (60, 2.75), (72, 4.15), (84, 3.5), (100, 3.75), (120, 5.7), (150, 6.7),
    (180, 6.9),
)  # fmt: skip
_MIDDLE = np.array([0.0, 0.25, -0.08])
_LOCKS = 10.0  # radians of a lock for each of the angle


def hair() -> Part:
    """The hair of the whole head."""
    angle, down = np.linspace(0, 180, _COLUMNS), (np.linspace(0, 1, _ROWS) ** 0.85)[:, None]
    at, ends = np.array(_HAIRLINE).T
    line = spline(at, ends, angle)
    line = line + 0.05 * np.cos(np.radians(angle) * _LOCKS) * bump(angle, 0, 40)
    base = skull(np.broadcast_to(angle, (_ROWS, _COLUMNS)), down * line)
    out = (base - _MIDDLE) * (1, 0.9, 1)
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    quiff = bump(angle, 0, 48) * bump(down, 0.72, 0.30)  # where the hair stands up above the forehead
    out = out + quiff[..., None] * (0, 0.9, 0.10)
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    thick = 0.065 + 0.055 * smooth(1.0, 0.2, down) + 0.19 * quiff
    thick = thick * (1 - 0.50 * bump(angle, 76, 14) * smooth(0.5, 1.0, down))
    swirl = np.radians(angle) * _LOCKS
    locks = 0.034 * np.cos(swirl) * (0.45 + 0.55 * quiff) + 0.010 * np.cos(2.2 * swirl)
    locks = locks * smooth(0.10, 0.45, down)
    rise = np.sqrt(1 - (1 - np.minimum(1, (1 - down) / 0.30)) ** 2)
    places = base + out * (rise * (thick + locks) - 0.02 * (1 - rise))[..., None]
    places[:, [0, -1], 0] = 0.0
    places[0] = places[0].mean(axis=0) * (0, 1, 1)
    ids = grid_of(places)
    ids[0] = ids[0, 0]
    tint = np.clip(0.82 + 7.0 * locks, 0.5, 1.0)[..., None] * np.ones(3)
    return mirrored(part("hair", places, grid_quads(ids), "hair", tint=tint))
