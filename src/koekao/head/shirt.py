"""A collar and the top of the shoulders, which the neck stands in; they do not turn with the head."""

from __future__ import annotations

import numpy as np

from koekao.head.part import Part, grid_quads, mirrored, part

_RINGS = (  # half width, half depth, height, how far back its middle lies
    (0.40, 0.36, -1.42, -0.20), (0.47, 0.43, -1.365, -0.20), (0.53, 0.49, -1.38, -0.20), (0.55, 0.51, -1.46, -0.20),
    (0.62, 0.52, -1.545, -0.20), (0.90, 0.56, -1.63, -0.21), (1.22, 0.60, -1.76, -0.22), (1.46, 0.62, -1.98, -0.24),
)  # fmt: skip


def shirt() -> Part:
    turn = np.linspace(0, np.pi, 19)  # from the front round the left side to the back
    rows = []
    for i, (wide, deep, high, back) in enumerate(_RINGS):
        x = wide * np.sin(turn)
        x[[0, -1]] = 0.0
        z = back + deep * np.cos(turn)
        y = high + (0.06 * (1 - np.cos(turn)) - 0.07) * (1 if i < 4 else 0.7) + (-0.05 * np.cos(turn) if i < 4 else 0)
        rows.append(np.stack([x, y, z], -1))
    places = np.stack(rows)
    ids = np.arange(places[..., 0].size).reshape(places.shape[:2])
    return mirrored(part("shirt", places.reshape(-1, 3), grid_quads(ids), "shirt"))
