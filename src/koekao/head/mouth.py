"""What is in the mouth: two rows of teeth and the tongue."""

from __future__ import annotations

import numpy as np

from koekao.head.curve import bump, smooth, spline
from koekao.head.features import MOUTH_Y
from koekao.head.part import Part, grid_quads, mirrored, part

_TEETH = (0.088, 0.072, 0.074, 0.072, 0.075, 0.085)  # widths along the arch, from the middle
_FRONT_Z = 0.815
_TONGUE_ROWS = 14


def _arch(along: np.ndarray, wide: float, deep: float) -> tuple[np.ndarray, np.ndarray]:
    """x and z of the dental arch, a half ellipse, by length from the middle."""
    turn = np.linspace(0, np.pi / 2, 400)
    x, z = wide * np.sin(turn), deep * (np.cos(turn) - 1)
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    return np.interp(along, length, x), np.interp(along, length, z)


def teeth(*, upper: bool) -> Part:
    """One row of teeth, the left half mirrored."""
    wide, deep, size = (0.27, 0.36, 1.0) if upper else (0.25, 0.34, 0.86)
    edges = np.concatenate([[0], np.cumsum(_TEETH)]) * size
    steps = np.array([0.0, 0.10, 0.32, 0.68, 0.90])
    along = np.concatenate([(edges[:-1, None] + np.diff(edges)[:, None] * steps).ravel(), edges[-1:]])
    groove = np.concatenate([np.tile([1.0, 0.25, 0.0, 0.0, 0.25], len(_TEETH)), [1.0]])
    x, z = _arch(along, wide, deep)
    ahead, _ = _arch(along + 1e-4, wide, deep)
    slope = np.stack([ahead - x, _arch(along + 1e-4, wide, deep)[1] - z])
    out = np.stack([-slope[1], slope[0]]) / np.linalg.norm(slope, axis=0)
    tall = 0.165 * (1 - 0.18 * smooth(0.15, 0.5, along)) * size
    profile = ((0.0, -0.055), (0.0, 0.0), (0.45, 0.010), (0.85, 0.004), (0.97, -0.010), (1.0, -0.035), (0.9, -0.06), (0.2, -0.08))
    rows = []
    for down, thick in profile:
        lift = 0.03 * groove * (down > 0.8)
        depth = thick - 0.016 * groove * (0 < down) * (thick > -0.03)
        rows.append(np.stack([x + out[0] * depth, -(down - lift) * tall, z + out[1] * depth], axis=-1))
    local = np.stack(rows)
    local[:, 0, 0] = 0.0
    if not upper:
        local[..., 1] *= -1
    middle = np.array([0.0, MOUTH_Y + (0.115 if upper else -0.165), _FRONT_Z - (0.0 if upper else 0.035)])
    ids = np.arange(local[..., 0].size).reshape(local.shape[:2])
    quads = grid_quads(ids if upper else ids[::-1])
    shade = np.ones(local.shape) * (1 - 0.55 * smooth(0.12, 0.40, along))[None, :, None]
    shade *= (1 - 0.25 * groove)[None, :, None]
    name = "upper_teeth" if upper else "lower_teeth"
    marks = {"jaw": np.full(local[..., 0].size, 0.0 if upper else 1.0)}
    return mirrored(part(name, (middle + local).reshape(-1, 3), quads, "teeth", tint=shade.reshape(-1, 3), marks=marks))


def tongue() -> Part:
    """The tongue, resting behind the lower teeth; mark ``tip`` runs from its root (0) to its tip (1)."""
    along = np.sin(np.linspace(0, np.pi / 2, _TONGUE_ROWS))
    z = 0.15 + 0.60 * along
    height = spline((0, 0.3, 0.65, 1.0), (-0.70, -0.655, -0.668, -0.700), along)
    end = np.sqrt(np.clip(1 - (np.maximum(0, along - 0.62) / 0.385) ** 2, 0, 1))
    wide = 0.165 * end * (0.85 + 0.15 * smooth(0, 0.5, along))
    thick = 0.062 * np.sqrt(np.clip(1 - (np.maximum(0, along - 0.45) / 0.565) ** 2, 0, 1))
    turn = np.linspace(0, np.pi, 8)  # top to bottom, round the left side
    x = np.sin(turn) * wide[:, None]
    x[:, [0, -1]] = 0.0
    y = height[:, None] + np.cos(turn) * thick[:, None] - 0.018 * bump(x, 0, 0.035) * (np.cos(turn) > 0.2)
    zz = np.broadcast_to(z[:, None], x.shape)
    ids = np.arange(x.size).reshape(x.shape)
    x[-1], y[-1] = 0.0, height[-1]
    places = np.stack([x, y, zz], axis=-1).reshape(-1, 3)
    tip = np.repeat(along, len(turn))
    shade = np.repeat((0.35 + 0.65 * smooth(0.1, 0.8, along))[:, None], len(turn), 0).reshape(-1, 1) * np.ones(3)
    ids[-1] = ids[-1, 0]
    used = np.unique(ids)
    quads = grid_quads(ids.T)[:, ::-1]
    number = np.zeros(x.size, np.int64)
    number[used] = np.arange(len(used))
    return mirrored(part("tongue", places[used], number[quads], "tongue", tint=shade[used], marks={"tip": tip[used]}))
