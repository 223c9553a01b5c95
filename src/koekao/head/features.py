"""Where things are in this face: the measures that skin, parts and targets share (units of 10 cm, left side)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from koekao.head.curve import bump

Floats = NDArray[np.float64]

EYE = np.array([0.40, 0.00, 0.495])
"""Middle of the left eyeball."""
EYE_RADIUS = 0.315
LID_HALF_WIDTH, _UPPER, _LOWER = np.radians([41.5, 25.0, 22.5])
_TILT = np.radians(3.0)

MOUTH_Y, MOUTH_HALF = -0.62, 0.25
HINGE = np.array([0.0, -0.16, 0.02])
"""The axis that the jaw turns about runs through here, along x."""


def lid_turn(turn: ArrayLike) -> tuple[Floats, Floats]:
    """Edge of the lids as (sideways, up) angles at the eyeball's middle, for turns from the outer corner."""
    turn = np.asarray(turn, float)
    across = np.cos(turn)
    return LID_HALF_WIDTH * across, lid_height(across, np.sin(turn) >= 0)


def lid_height(across: ArrayLike, upper: ArrayLike) -> Floats:
    """Up angle of the lids' edge; ``across`` runs from -1 (inner corner) to 1 (outer)."""
    across = np.clip(np.asarray(across, np.float64), -1.0, 1.0)
    rise = np.where(upper, _UPPER, -_LOWER * (1 + 0.12 * across)) * np.sqrt(1 - across * across)
    return np.asarray(_TILT * across + rise)


def lid_meeting(across: ArrayLike) -> Floats:
    """Up angle of the line where the closed lids meet."""
    return 0.30 * lid_height(across, True) + 0.70 * lid_height(across, False)


def eye_direction(sideways: ArrayLike, up: ArrayLike) -> Floats:
    """Unit vectors ``[..., 3]`` of angles at the eyeball's middle."""
    sideways, up = np.broadcast_arrays(np.asarray(sideways, float), np.asarray(up, float))
    return np.stack([np.sin(sideways) * np.cos(up), np.sin(up), np.cos(sideways) * np.cos(up)], axis=-1)


def lip_line(x: ArrayLike) -> Floats:
    """Height of the line where the lips meet."""
    x = np.asarray(x, float)
    return np.asarray(MOUTH_Y + 0.030 * (x / MOUTH_HALF) ** 2 - 0.007 * bump(x, 0, 0.11))


def lip_place(turn: ArrayLike, rim: ArrayLike) -> Floats:
    """xy ``[..., 2]`` on the lips: turn 0 middle of the lower, pi of the upper; rim 0 where they meet, 1 their edge."""
    turn, rim = np.broadcast_arrays(np.asarray(turn, float), np.asarray(rim, float))
    sin = np.where((turn == 0) | (turn == np.pi), 0.0, np.sin(turn))
    down = np.cos(turn)
    x = (MOUTH_HALF + 0.03 * rim) * sin
    bow = 1 + 0.14 * bump(x, 0.075, 0.05) - 0.16 * bump(x, 0, 0.03)
    high = np.where(down > 0, -0.088, 0.062 * bow) * np.abs(down) ** np.where(down > 0, 0.85, 0.95)
    away = np.where(rim > 1, 1 + (rim - 1) * 0.6, rim)
    return np.stack([x, lip_line(x) + high * away - 0.05 * np.maximum(rim - 1, 0) * down], axis=-1)
