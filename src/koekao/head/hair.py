"""Hair: a shell over the skull that thickens from the hairline up and is combed back in locks."""

from __future__ import annotations

import numpy as np

from koekao.head.curve import bump, smooth, spline
from koekao.head.part import Part, grid_quads, mirrored, part
from koekao.head.skull import skull

_COLUMNS, _ROWS = 37, 15


def hair() -> Part:
    angle = np.linspace(0, 180, _COLUMNS)
    line = spline((0, 22, 45, 60, 72, 84, 100, 120, 150, 180), (2.02, 1.98, 2.15, 2.75, 4.2, 3.7, 4.0, 5.7, 6.7, 6.9), angle)
    line = line + 0.05 * np.cos(np.radians(angle) * 10.0) * bump(angle, 0, 40)
    u = np.linspace(0, 1, _ROWS) ** 0.85
    level = u[:, None] * line
    wide = np.broadcast_to(angle, level.shape)
    base = skull(wide, level)
    middle = np.array([0.0, 0.25, -0.08])
    out = base - middle
    out[..., 1] *= 0.9
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    edge = np.minimum(1, (1 - u) / 0.30)[:, None]
    rise = np.sqrt(np.clip(1 - (1 - edge) ** 2, 0, 1))
    top = bump(wide, 0, 48) * bump(u[:, None], 0.72, 0.30)
    out = out + np.stack([0 * top, 0.9 * top, 0.10 * top], axis=-1)
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    thick = 0.065 + 0.055 * smooth(1.0, 0.2, u)[:, None] + 0.19 * top
    thick = thick * (1 - 0.50 * bump(wide, 76, 14) * smooth(0.5, 1.0, u)[:, None])
    swirl = np.radians(wide) * 10.0
    locks = 0.022 * np.cos(swirl) * (0.35 + 0.65 * top) + 0.008 * np.cos(2.6 * swirl)
    locks = locks * smooth(0.10, 0.45, u)[:, None]
    height = rise * (thick + locks) - 0.02 * (1 - rise)
    places = base + out * height[..., None]
    places[:, [0, -1], 0] = 0.0
    places[0] = places[0].mean(axis=0) * (0, 1, 1)
    ids = np.arange(places[..., 0].size).reshape(places.shape[:2])
    ids[0] = ids[0, 0]
    used = np.unique(ids)
    number = np.zeros(places[..., 0].size, np.int64)
    number[used] = np.arange(len(used))
    tint = (0.86 + 7.0 * locks)[..., None] * np.ones(3)
    tint = np.clip(tint, 0.5, 1.0)
    return mirrored(part("hair", places.reshape(-1, 3)[used], number[grid_quads(ids)], "hair", tint=tint.reshape(-1, 3)[used]))
