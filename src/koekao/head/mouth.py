"""What is in the mouth: two rows of teeth, and the tongue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koekao.head.curve import bump, smooth, spline
from koekao.head.features import MOUTH_Y
from koekao.head.part import Part, grid_of, grid_quads, mirrored, part

Floats = NDArray[np.float64]

_TEETH = (0.088, 0.072, 0.074, 0.072, 0.075, 0.085)  # widths along the arch, from the middle
_ACROSS = ((0.0, 1.0), (0.10, 0.25), (0.32, 0.0), (0.68, 0.0), (0.90, 0.25))  # along a tooth, how deep in the groove
_PROFILE = (  # from the gum (0) to the edge (1), and how far in front of the arch
    (0.0, -0.055), (0.0, 0.0), (0.45, 0.010), (0.85, 0.004), (0.97, -0.010), (1.0, -0.035), (0.9, -0.06), (0.2, -0.08),
)  # fmt: skip
_FRONT_Z = 0.815
_TONGUE_ROWS, _TONGUE_AROUND = 14, 8


def teeth(*, upper: bool) -> Part:
    """One row of teeth."""
    wide, deep, size = (0.27, 0.36, 1.0) if upper else (0.25, 0.34, 0.86)
    edges = np.concatenate([[0], np.cumsum(_TEETH)]) * size
    step, depth = np.array(_ACROSS).T
    along = np.append((edges[:-1, None] + np.diff(edges)[:, None] * step).ravel(), edges[-1])
    groove = np.append(np.tile(depth, len(_TEETH)), 1.0)
    (x, z), (x_next, z_next) = _arch(along, wide, deep), _arch(along + 1e-4, wide, deep)
    length = np.hypot(x_next - x, z_next - z)
    out_x, out_z = (z - z_next) / length, (x_next - x) / length
    down, thick = (column[:, None] for column in np.array(_PROFILE).T)
    tall = 0.165 * (1 - 0.18 * smooth(0.15, 0.5, along)) * size
    off = thick - 0.016 * groove * (down > 0) * (thick > -0.03)
    fall = (down - 0.03 * groove * (down > 0.8)) * tall
    places = np.stack([x + out_x * off, -fall if upper else fall, z + out_z * off], axis=-1)
    places[:, 0, 0] = 0.0
    places += (0.0, MOUTH_Y + 0.115, _FRONT_Z) if upper else (0.0, MOUTH_Y - 0.165, _FRONT_Z - 0.035)
    ids = grid_of(places)
    shade = (1 - 0.55 * smooth(0.12, 0.40, along)) * (1 - 0.13 * groove)
    tint = np.broadcast_to(shade[:, None], places.shape)
    name = "upper_teeth" if upper else "lower_teeth"
    return mirrored(part(name, places, grid_quads(ids if upper else ids[::-1]), "teeth", tint=tint))


def _arch(along: Floats, wide: float, deep: float) -> tuple[Floats, Floats]:
    """x and z of the dental arch, a half ellipse, by the length from the middle."""
    turn = np.linspace(0, np.pi / 2, 400)
    x, z = wide * np.sin(turn), deep * (np.cos(turn) - 1)
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(z)))])
    return np.interp(along, length, x), np.interp(along, length, z)


def tongue() -> Part:
    """The tongue, resting behind the lower teeth; mark ``tip`` runs from its root (0) to its tip (1)."""
    along = np.sin(np.linspace(0, np.pi / 2, _TONGUE_ROWS))[:, None]
    height = spline((0, 0.3, 0.65, 1.0), (-0.70, -0.655, -0.668, -0.700), along)
    end = np.sqrt(np.clip(1 - (np.maximum(0, along - 0.62) / 0.385) ** 2, 0, 1))
    wide = 0.165 * end * (0.85 + 0.15 * smooth(0, 0.5, along))
    thick = 0.062 * np.sqrt(np.clip(1 - (np.maximum(0, along - 0.45) / 0.565) ** 2, 0, 1))
    turn = np.linspace(0, np.pi, _TONGUE_AROUND)  # from the top round the left side to below
    x = np.sin(turn) * wide
    x[:, [0, -1]] = 0.0
    furrow = 0.018 * bump(x, 0, 0.035) * (np.cos(turn) > 0.2) * (thick / thick[0]) ** 2
    y = height + np.cos(turn) * thick - furrow
    x[-1], y[-1] = 0.0, height[-1]
    places = np.stack([x, y, np.broadcast_to(0.15 + 0.60 * along, x.shape)], axis=-1)
    ids = grid_of(places)
    ids[-1] = ids[-1, 0]
    tint = np.broadcast_to((0.35 + 0.65 * smooth(0.1, 0.8, along))[..., None], places.shape)
    marks = {"tip": np.repeat(along, _TONGUE_AROUND)}
    return mirrored(part("tongue", places, grid_quads(ids.T)[:, ::-1], "tongue", tint=tint, marks=marks))
