"""The ears: a shell with a rolled rim, a hollow and a lobe, set into the side of the head."""

from __future__ import annotations

import numpy as np

from koekao.head.curve import bump, smooth
from koekao.head.part import Part, grid_of, grid_quads, part

_AROUND = 22
_RINGS = (  # how far out from the middle, how far off the head
    (1.00, -0.09), (1.04, 0.05), (1.02, 0.115), (0.94, 0.14), (0.85, 0.115), (0.76, 0.075), (0.60, 0.080),
    (0.46, 0.045), (0.30, 0.005), (0.12, -0.01), (0.0, -0.012),
)  # fmt: skip
_MIDDLE = np.array([0.868, -0.085, -0.06])
_LEAN = 0.18  # radians, the top to the back


def left_ear() -> Part:
    """The left ear; its foot lies inside the head."""
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND  # 0 toward the face, pi/2 up
    forward, up = np.cos(turn), np.sin(turn)
    tall = np.where(up >= 0, 0.245, 0.255)
    deep = 0.155 + 0.035 * bump(forward, -0.7, 0.6) * smooth(-0.6, 0.6, up) - 0.05 * smooth(0.3, -1.0, up)
    lobe, face_side = smooth(-0.5, -0.95, up), smooth(0.2, 0.95, forward)
    rows = []
    for out, off in _RINGS:
        height = off * (1 - 0.55 * face_side * smooth(0.3, 0.8, out)) * (1 - 0.3 * lobe)
        height = height + lobe * 0.05 * smooth(0.3, 0.76, out) * (out < 0.8)
        y, z = up * tall * out, forward * deep * out
        height = height + 0.22 * np.maximum(0, -z)  # the back stands away from the head
        y, z = y * np.cos(_LEAN) + z * np.sin(_LEAN), z * np.cos(_LEAN) - y * np.sin(_LEAN)
        rows.append(np.stack([height, y, z], axis=-1))
    places = _MIDDLE + np.stack(rows)
    ids = grid_of(places)
    ids[-1] = ids[-1, 0]
    warm = 0.15 + 0.5 * smooth(0.9, 0.3, [out for out, _ in _RINGS])
    tint = np.broadcast_to(1 + warm[:, None, None] * (np.array([0.92, 0.66, 0.62]) - 1), places.shape)
    return part("ear", places, grid_quads(ids, closed=True), "skin", tint=tint)
