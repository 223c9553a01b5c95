"""The face that an animation moves where the caller brings none: a row of 52 bars, one a curve, that grow with it.

It is a meter, not a head: it shows any player that the targets, their names and their values are there. The head of
the house takes its place through :func:`carrier`, which is the only thing that the writers know of it.

What it gives up: looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES

_STEP, _WIDTH, _LOW, _HIGH = 0.02, 0.014, 0.01, 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Carrier:
    """A mesh with a morph target for each of the 52 curves; metres, y up, looking along +z.

    Attributes:
        positions: ``[v, 3]`` float32.
        triangles: ``[t, 3]`` uint32, counterclockwise seen from outside.
        displacements: ``[52, v, 3]`` float32, canonical order: how far each vertex is moved by a curve at 1.
    """

    positions: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    displacements: NDArray[np.float32]


def carrier() -> Carrier:
    """The mesh that is animated where the caller brings no face."""
    left = (np.arange(N_CURVES) - N_CURVES / 2) * _STEP
    positions = np.zeros((N_CURVES, 4, 3), np.float32)  # of each bar: lower left, lower right, upper right, upper left
    positions[:, [0, 3], 0] = left[:, None]
    positions[:, [1, 2], 0] = left[:, None] + _WIDTH
    positions[:, 2:, 1] = _LOW
    triangles = 4 * np.arange(N_CURVES)[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])
    displacements = np.zeros((N_CURVES, N_CURVES, 4, 3), np.float32)
    displacements[np.arange(N_CURVES), np.arange(N_CURVES), 2:, 1] = _HIGH - _LOW
    return Carrier(
        positions=positions.reshape(-1, 3),
        triangles=triangles.reshape(-1, 3).astype(np.uint32),
        displacements=displacements.reshape(N_CURVES, -1, 3),
    )
