"""A collar and the top of the shoulders, which the neck stands in; they do not turn with the head."""

from __future__ import annotations

import numpy as np

from koekao.head.part import Part, grid_of, grid_quads, mirrored, part

_RINGS = (  # half width, half depth, height, how far forward its middle lies, how much the ring leans forward
    (0.26, 0.22, -1.70, -0.20, 1.0), (0.40, 0.37, -1.45, -0.20, 1.0), (0.47, 0.43, -1.365, -0.20, 1.0),
    (0.53, 0.49, -1.38, -0.20, 1.0), (0.55, 0.51, -1.46, -0.20, 1.0), (0.62, 0.52, -1.545, -0.20, 0.4),
    (0.90, 0.56, -1.63, -0.21, 0.4), (1.22, 0.60, -1.76, -0.22, 0.4), (1.46, 0.62, -1.98, -0.24, 0.4),
)  # fmt: skip


def shirt() -> Part:
    """The collar from its inside outward, and the shoulders."""
    turn = np.linspace(0, np.pi, 19)  # from the front round the left side to the back
    wide, deep, high, forward, leans = (column[:, None] for column in np.array(_RINGS).T)
    x, z = wide * np.sin(turn), forward + deep * np.cos(turn)
    x[:, [0, -1]] = 0.0
    y = high - 0.01 - 0.11 * leans * np.cos(turn)
    places = np.stack([x, y, z], axis=-1)
    return mirrored(part("shirt", places, grid_quads(grid_of(places)), "shirt"))
