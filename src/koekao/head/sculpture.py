"""The broad forms of the face on the plain skull: sockets, brow bone, cheeks, muzzle, chin, and the nose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koekao.head.curve import bump, smooth, spline
from koekao.head.features import MOUTH_Y
from koekao.head.skull import skull, skull_under

Floats = NDArray[np.float64]


def sculpted(places: Floats) -> Floats:
    """Places ``[n, 3]`` of the skull (x >= 0) with the face on their front."""
    p = places.copy()
    x, y = p[:, 0], p[:, 1]
    front = smooth(-0.05, 0.35, p[:, 2])
    depth = (
        -0.20 * bump(x, 0.40, 0.20) * bump(y, 0.02, np.where(y > 0.02, 0.15, 0.115))  # socket
        + 0.045 * bump(x, 0.36, 0.24) * bump(y, 0.28, 0.085)  # brow bone
        + 0.085 * bump(x, 0.45, 0.18) * bump(y, -0.34, 0.15)  # cheek
        + 0.050 * bump(x, 0.0, 0.25) * bump(y, MOUTH_Y, 0.17)  # muzzle
        + 0.080 * bump(x, 0.0, 0.15) * bump(y, -0.95, 0.10)  # chin
        - 0.030 * bump(x, 0.0, 0.16) * bump(y, -0.785, 0.045)  # fold above the chin
        - 0.012 * bump(x, 0.0, 0.030) * bump(y, -0.48, 0.05)  # philtrum
    )
    p[:, 2] += depth * front
    p[:, 0] += 0.03 * bump(y, -0.25, 0.2) * bump(x, 0.62, 0.15) * front
    return _with_nose(p, front)


def face_depth(x: Floats, y: Floats) -> Floats:
    """z of the face at ``x`` >= 0 and ``y``, without lids and lips."""
    angle, level = skull_under(x, y)
    return sculpted(skull(angle, level))[:, 2]


_RIDGE = (  # height, how far the nose stands out there
    (-0.60, 0.0), (-0.48, 0.0), (-0.42, 0.0), (-0.385, 0.030), (-0.35, 0.115), (-0.30, 0.20), (-0.25, 0.215),
    (-0.19, 0.17), (-0.10, 0.105), (0.0, 0.06), (0.10, 0.04), (0.2, 0.02), (0.35, 0.0),
)  # fmt: skip
_WIDTH = ((-0.45, 0.10), (-0.33, 0.098), (-0.25, 0.088), (-0.12, 0.065), (0.05, 0.07), (0.3, 0.1))


def _with_nose(p: Floats, front: Floats) -> Floats:
    x, y = p[:, 0].copy(), p[:, 1].copy()
    heights, out = np.array(_RIDGE).T
    ridge = np.maximum(0, spline(heights, out, np.clip(y, -0.6, 0.35)))
    heights, widths = np.array(_WIDTH).T
    width = np.interp(y, heights, widths)
    p[:, 2] += ridge * np.exp(-0.5 * (x / width) ** 2.2) * front
    p[:, 2] += 0.060 * bump(x, 0.125, 0.052) * bump(y, -0.325, 0.055) * front  # wing
    p[:, 1] -= 0.020 * bump(x, 0.0, 0.13) * bump(y, -0.365, 0.040) * front
    nostril = bump(x, 0.074, 0.024) * bump(y, -0.372, 0.020) * front
    p[:, 2] -= 0.05 * nostril
    p[:, 1] += 0.03 * nostril
    return p
