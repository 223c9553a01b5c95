"""The ears: a shell with a rolled rim, a hollow, and a lobe, set into the side of the head."""

from __future__ import annotations

import numpy as np

from koekao.head.curve import bump, smooth
from koekao.head.part import Part, grid_quads, part

_AROUND = 22
_RINGS = (  # how far out from the middle, how far off the head
    (1.00, -0.06), (1.04, 0.05), (1.02, 0.115), (0.94, 0.14), (0.85, 0.115), (0.76, 0.060), (0.60, 0.075), (0.46, 0.045),
    (0.30, 0.005), (0.12, -0.01), (0.0, -0.012),
)  # fmt: skip
_MIDDLE = np.array([0.845, -0.085, -0.06])


def left_ear() -> Part:
    """The left ear; its foot lies inside the head."""
    turn = 2 * np.pi * np.arange(_AROUND) / _AROUND  # 0 toward the face, pi/2 up
    tall = np.where(np.sin(turn) >= 0, 0.245, 0.255)
    deep = 0.155 + 0.035 * bump(np.cos(turn), -0.7, 0.6) * smooth(-0.6, 0.6, np.sin(turn)) - 0.05 * smooth(0.3, -1.0, np.sin(turn))
    rows = []
    for out, off in _RINGS:
        forward = np.cos(turn) * deep * out - 0.05 * (1 - out) * 0
        up = np.sin(turn) * tall * out
        lobe = smooth(-0.5, -0.95, np.sin(turn))
        face_side = smooth(0.2, 0.95, np.cos(turn))
        height = off * (1 - 0.75 * face_side * (out > 0.5)) * (1 - 0.3 * lobe)
        if out < 0.8:
            height = height + lobe * 0.05 * smooth(0.3, 0.76, out)
        rows.append(np.stack([height, up, forward], axis=-1))
    local = np.stack(rows)
    local[..., 0] += 0.22 * np.maximum(0, -local[..., 2])  # the back stands away from the head
    lean = 0.18
    y, z = local[..., 1].copy(), local[..., 2].copy()
    local[..., 1], local[..., 2] = y * np.cos(lean) + z * np.sin(lean), z * np.cos(lean) - y * np.sin(lean)
    ids = np.arange(local[..., 0].size).reshape(local.shape[:2])
    ids[-1] = ids[-1, 0]
    used = np.unique(ids)
    number = np.zeros(local[..., 0].size, np.int64)
    number[used] = np.arange(len(used))
    tint = np.ones((len(_RINGS), _AROUND, 3))
    for row, (out, _) in enumerate(_RINGS):
        warm = 0.5 * smooth(0.9, 0.3, out) + 0.15
        tint[row] = 1 + warm * (np.array([0.92, 0.66, 0.62]) - 1)
    return part(
        "ear", _MIDDLE + local.reshape(-1, 3)[used], number[grid_quads(ids, closed=True)], "skin", tint=tint.reshape(-1, 3)[used]
    )
