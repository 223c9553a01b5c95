"""Targets of jaw, lips and tongue. Lengths in units of 10 cm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from koekao.head.anatomy import Anatomy
from koekao.head.curve import bump, smooth
from koekao.head.features import MOUTH_HALF, MOUTH_Y

Floats = NDArray[np.float64]
CORNER = (MOUTH_HALF, MOUTH_Y + 0.03)


def mouth_targets(a: Anatomy) -> Mapping[str, Floats]:
    """Symmetrical displacements by the name without its side; ``jawLeft`` and ``mouthLeft`` are for the whole face."""
    return {**_jaw(a), **_round(a), **_corners(a), **_lips_alone(a), "tongueOut": _tongue(a)}


def _both(a: Anatomy, weight: Floats, x: float, y: float = 0.0, z: float = 0.0) -> Floats:
    """The same movement, to the subject's left, on both sides."""
    return np.stack([weight * x, weight * y, weight * z], axis=-1)


def _jaw(a: Anatomy) -> dict[str, Floats]:
    open_ = a.jaw[:, None] * a.jaw_turn
    open_ += a.field(-0.035 * a.at(0.50, -0.55, 0.14, 0.16), 0, 0)  # cheeks grow hollow
    meets = 0.5 - 0.15 * np.abs(a.marks["lip_down"])  # how far down the lips meet, as a share of the jaw's turn
    keeps = a.lips * (1 - 0.12 * np.clip(a.marks["rim"], 0, 1))
    close = ((meets - (0.5 + 0.5 * a.marks["lip_down"])) * keeps)[:, None] * a.jaw_turn
    aside = _both(a, a.jaw, 0.125, 0.0, -0.01)
    return {"jawOpen": open_, "mouthClose": close, "jawForward": _both(a, a.jaw, 0, 0.0, 0.11), "jawLeft": aside}


def _round(a: Anatomy) -> dict[str, Floats]:
    """Funnel, pucker, and the whole mouth to one side."""
    ring = a.soft * bump(a.x, 0, 0.30) * bump(a.y, MOUTH_Y, 0.15)
    near = np.maximum(a.lips, 0.8 * ring)
    down, rim = a.down, np.clip(a.marks["rim"], 0, 1.5)
    lip = a.lips
    pucker = a.field(-0.47 * a.x * near, 0.0, 0.13 * near * bump(a.x, 0, 0.2))
    pucker += a.field(0, lip * -down * (0.022 * rim), lip * 0.02 * bump(rim, 0.5, 0.4))
    funnel = a.field(-0.36 * a.x * near, 0.0, 0.10 * near * bump(a.x, 0, 0.22))
    up, low = np.maximum(-down, 0), np.maximum(down, 0)
    flare = lip * (0.065 * up - 0.085 * low)
    funnel += a.field(0, flare, lip * 0.035 * bump(rim, 0.5, 0.5))
    whole = np.maximum(lip, a.soft * bump(a.x, 0, 0.33) * bump(a.y, MOUTH_Y, 0.16))
    aside = _both(a, whole, 0.13, 0.0, 0.0)
    slope = a.side * a.x
    aside[:, 2] -= 0.13 * whole * slope
    aside += _both(a, a.soft * bump(a.x, 0, 0.2) * bump(a.y, -0.36, 0.10), 0.02)
    return {"mouthPucker": pucker, "mouthFunnel": funnel, "mouthLeft": aside}


def _corners(a: Anatomy) -> dict[str, Floats]:
    """What the corners of the mouth do."""
    corner = a.at(*CORNER, 0.15, 0.13)
    lip_x = a.lips * np.minimum(1, a.x / MOUTH_HALF)
    smile = a.slide(np.maximum(corner, 0.9 * lip_x**1.5), 0.105, 0.125)
    smile += a.slide(a.lips * (1 - lip_x), 0.0, 0.012, -0.015)
    smile += a.slide(a.at(0.45, -0.36, 0.13, 0.10), 0.02, 0.055, 0.06)
    smile -= a.field(forward=0.035 * a.at(0.40, -0.53, 0.045, 0.09))
    frown = a.slide(np.maximum(a.at(*CORNER, 0.13, 0.13), 0.85 * lip_x**2), 0.025, -0.115)
    frown += a.slide(a.at(0.0, -0.83, 0.15, 0.07), 0, 0.02, 0.015) + a.slide(a.lips * (1 - lip_x), 0, 0.018)
    frown -= a.field(forward=0.02 * a.at(0.34, -0.72, 0.05, 0.06))
    dimple = a.slide(np.maximum(corner, 0.9 * lip_x**2), 0.06, 0.012, -0.035)
    dimple -= a.field(forward=0.055 * a.at(0.37, -0.585, 0.045, 0.06))
    dimple += a.field(forward=0.02 * a.at(0.47, -0.56, 0.06, 0.09))
    stretch = a.slide(np.maximum(a.at(0.26, -0.64, 0.17, 0.13), lip_x), 0.125, -0.05)
    stretch += a.slide(a.at(0.30, -0.85, 0.14, 0.10), 0.05, -0.03)
    thin = a.lips * np.clip(a.marks["rim"], 0, 1) * np.clip(a.x / 0.12, 0, 1)
    stretch += a.field(0, 0.018 * thin * a.down, -0.01 * thin)
    return {"mouthSmile": smile, "mouthFrown": frown, "mouthDimple": dimple, "mouthStretch": stretch}


def _lips_alone(a: Anatomy) -> dict[str, Floats]:
    """Upper and lower lip, each alone."""
    upper, lower = smooth(0.0, 0.75, -a.down), smooth(0.0, 0.75, a.down)
    rim, lip = np.clip(a.marks["rim"], 0, 1.6), a.lips
    on_lip = np.clip(rim, 0, 1) * lip
    press = a.field(0, 0.030 * on_lip * (lower - upper), -0.035 * lip * bump(rim, 0.6, 0.5))
    press += a.slide(a.at(*CORNER, 0.08, 0.07), 0.012, 0.0, -0.02)
    press += a.field(forward=0.022 * (a.at(0.15, -0.535, 0.10, 0.03) + a.at(0.14, -0.715, 0.10, 0.03)))
    lift = np.maximum(lip, a.at(0.10, -0.50, 0.16, 0.08))
    up = a.slide(upper * np.maximum(lift * bump(a.x, 0.12, 0.12), a.at(0.16, -0.52, 0.11, 0.08)), 0.0, 0.095, 0.015)
    low_at = np.maximum(lip, a.at(0.10, -0.72, 0.16, 0.07))
    low = a.slide(lower * low_at * bump(a.x, 0.12, 0.12), 0.01, -0.10, 0.0)
    roll_low = a.field(0, lower * lip * (0.075 * np.clip(rim, 0, 1.2) + 0.012), -0.085 * lower * lip * bump(rim, 0.35, 0.6))
    roll_up = a.field(0, -upper * lip * (0.060 * np.clip(rim, 0, 1.2) + 0.010), -0.085 * upper * lip * bump(rim, 0.35, 0.6))
    chin = a.at(0.0, -0.86, 0.17, 0.09)
    shrug_low = a.slide(lower * lip, 0, 0.055, 0.065) + a.slide(chin, 0, 0.07, 0.025)
    shrug_low += a.slide(upper * lip, 0, 0.040, 0.012)
    shrug_up = a.slide(upper * lip * bump(a.x, 0, 0.17), 0, 0.055, 0.06) + a.slide(upper * a.at(0, -0.49, 0.12, 0.05), 0, 0.02, 0.02)
    shrug_up += a.slide(lower * lip * bump(a.x, 0, 0.15), 0, 0.045, 0.01)
    return {
        "mouthPress": press, "mouthUpperUp": up, "mouthLowerDown": low, "mouthRollLower": roll_low,
        "mouthRollUpper": roll_up, "mouthShrugLower": shrug_low, "mouthShrugUpper": shrug_up,
    }  # fmt: skip


def _tongue(a: Anatomy) -> Floats:
    """The tongue comes out over the lower lip, which makes room."""
    tongue, tip = a.of("tongue"), a.marks["tip"]
    out = a.field(0.10 * a.x * tongue * tip, tongue * (0.085 * smooth(0.2, 0.6, tip) - 0.17 * smooth(0.55, 1.0, tip)), tongue * 0.46 * tip**1.6)
    upper, lower = smooth(0.0, 0.8, -a.down), smooth(0.0, 0.8, a.down)
    part = a.lips * bump(a.x, 0, 0.17)
    out += a.field(0, part * (0.045 * upper - 0.085 * lower), part * 0.02 * lower)
    return out
