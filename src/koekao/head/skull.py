"""The plain head under the face: three profiles (front, side, back) and a rounded cross-section between them.

A place on it is (angle, level): the angle runs from the middle of the face (0) over the ear (90) to the nape (180
degrees), the level from the crown (0) down to the foot of the neck (10). The rows of a level are tilted as the jaw is:
the chin's row ends at the corner of the jaw, not at the nape.
Units are 10 cm; +Y is up, +Z is where the face looks, +X is the subject's left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from koekao.head.curve import spline

Floats = NDArray[np.float64]

_LEVELS = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.6, 8.2, 9.0, 10.0)
_FRONT = (  # y, z
    (1.20, -0.10), (1.15, 0.28), (1.00, 0.55), (0.64, 0.82), (0.29, 0.90), (0.00, 0.88), (-0.36, 0.885), (-0.62, 0.87),
    (-0.93, 0.80), (-1.050, 0.67), (-1.055, 0.42), (-1.18, 0.24), (-1.70, 0.19),
)  # fmt: skip
_SIDE = (  # x, y, z
    (0.00, 1.20, -0.10), (0.36, 1.13, -0.11), (0.62, 0.96, -0.12), (0.83, 0.56, -0.10), (0.895, 0.17, -0.06),
    (0.895, -0.10, -0.02), (0.85, -0.39, 0.03), (0.745, -0.59, 0.09), (0.585, -0.79, 0.11), (0.49, -0.90, 0.06),
    (0.44, -1.00, 0.00), (0.42, -1.20, -0.10), (0.45, -1.70, -0.17),
)  # fmt: skip
_BACK = (  # y, z
    (1.20, -0.10), (1.13, -0.48), (0.95, -0.76), (0.54, -1.00), (0.12, -1.05), (-0.15, -1.00), (-0.45, -0.85),
    (-0.66, -0.72), (-0.86, -0.64), (-0.98, -0.62), (-1.10, -0.61), (-1.28, -0.61), (-1.72, -0.64),
)  # fmt: skip


def skull(angle: ArrayLike, level: ArrayLike) -> Floats:
    """Places ``[..., 3]`` of angles (degrees, 0..180) and levels (0..10)."""
    turn = np.radians(np.asarray(angle, float))
    profiles = np.concatenate([np.array(_FRONT), np.array(_SIDE), np.array(_BACK)], axis=1)
    at = spline(_LEVELS, profiles, level)
    front, side, back = at[..., 0:2], at[..., 2:5], at[..., 5:7]
    sin, cos = np.sin(turn), np.cos(turn)
    full = 1 + 0.055 * (2 * sin * cos) ** 2
    end = np.where((cos >= 0)[..., None], front, back)
    yz = side[..., 1:] + (end - side[..., 1:]) * (np.abs(cos) * full)[..., None]
    x = np.where((turn == 0) | (turn >= np.pi), 0.0, side[..., 0] * sin * full)
    return np.concatenate([x[..., None], yz], axis=-1)


def skull_under(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """(angle, level) of the place of the face that has these ``x`` >= 0 and ``y`` seen from the front."""
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    level = np.interp(-y, [-yz[0] for yz in _FRONT[2:9]], _LEVELS[2:9])
    angle = np.degrees(np.arcsin(np.clip(x / 0.9, 0, 0.98)))
    for _ in range(30):
        here = skull(angle, level)
        by_angle = (skull(angle + 0.01, level) - here) / 0.01
        by_level = (skull(angle, level + 1e-4) - here) / 1e-4
        dx, dy = x - here[..., 0], y - here[..., 1]
        area = by_angle[..., 0] * by_level[..., 1] - by_level[..., 0] * by_angle[..., 1]
        angle = np.clip(angle + (dx * by_level[..., 1] - by_level[..., 0] * dy) / area, 0.0, 88.0)
        level = np.clip(level + (by_angle[..., 0] * dy - dx * by_angle[..., 1]) / area, 0.5, 7.6)
    return np.where(x == 0, 0.0, angle), level
