"""Targets of jaw, lips and tongue. Lengths are in units of 10 cm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from koekao.head.anatomy import Anatomy
from koekao.head.curve import bump, smooth
from koekao.head.features import MOUTH_HALF, MOUTH_Y

Floats = NDArray[np.float64]

_CORNER = (MOUTH_HALF, MOUTH_Y + 0.03)


def mouth_targets(a: Anatomy) -> Mapping[str, Floats]:
    """Displacements ``[n, 3]``: symmetrical by the name without its side; ``jawLeft`` and ``mouthLeft`` as they are."""
    return {**_jaw(a), **_round(a), **_corners(a), **_open(a), **_lips(a), "tongueOut": _tongue(a)}


def _whole(weight: Floats, left: float, up: float = 0.0, forward: float = 0.0) -> Floats:
    """The same movement on both sides: ``left`` is the subject's."""
    return np.stack([weight * left, weight * up, weight * forward], axis=-1)


def _jaw(a: Anatomy) -> dict[str, Floats]:
    opens = a.jaw[:, None] * a.jaw_turn
    opens += a.field(-0.035 * a.at(0.50, -0.55, 0.14, 0.16))  # cheeks grow hollow
    turns = 0.5 + 0.5 * a.marks["lip_down"]  # what jawOpen does to the lips, and where they are to meet instead
    meet = 0.5 - 0.15 * np.abs(a.marks["lip_down"])
    close = ((meet - turns) * a.lips * (1 - 0.12 * np.clip(a.marks["rim"], 0, 1)))[:, None] * a.jaw_turn
    aside = _whole(a.jaw * (0.3 + 0.7 * smooth(0.0, 0.6, a.z)), 0.115, 0.0, -0.01)
    return {"jawOpen": opens, "mouthClose": close, "jawForward": _whole(a.jaw, 0.0, 0.0, 0.11), "jawLeft": aside}


def _round(a: Anatomy) -> dict[str, Floats]:
    """Pucker, funnel, and the whole mouth to one side."""
    near, lip, rim = a.mouth(2.0), a.lips, np.clip(a.marks["rim"], 0, 1.5)
    pucker = a.field(-0.45 * a.x * near, 0.0, 0.13 * near * bump(a.x, 0, 0.2))
    pucker += a.field(0.0, -0.030 * lip * a.down * np.clip(rim, 0, 1), 0.035 * lip * bump(rim, 0.45, 0.4))
    funnel = a.field(-0.42 * a.x * near, 0.0, 0.10 * near * bump(a.x, 0, 0.22))
    flare = 0.062 * np.maximum(-a.down, 0) - 0.110 * np.maximum(a.down, 0)
    funnel += a.field(0.0, lip * flare, 0.035 * lip * bump(rim, 0.5, 0.5))
    aside = _whole(near, 0.13)
    aside[:, 2] -= 0.13 * near * a.side * a.x
    aside += _whole(a.soft * bump(a.x, 0, 0.2) * bump(a.y, -0.36, 0.10), 0.02)
    return {"mouthPucker": pucker, "mouthFunnel": funnel, "mouthLeft": aside}


def _corners(a: Anatomy) -> dict[str, Floats]:
    """What the corners of the mouth do."""
    along = np.minimum(1, a.x / MOUTH_HALF)

    def pulled(power: float, wide: float, high: float) -> Floats:
        """1 at the corners, less along the lips, and a bell round the corner beyond them."""
        return a.lips * along**power + (1 - a.lips) * a.at(*_CORNER, wide, high)

    smile = a.slide(pulled(1.2, 0.16, 0.14), 0.105) + a.slide(pulled(2.0, 0.16, 0.13), 0.0, 0.125)
    smile += a.slide(a.lips * (1 - along**2), 0.0, 0.0, -0.02)
    smile += a.slide(a.at(0.45, -0.37, 0.13, 0.10), 0.02, 0.055, 0.055)
    smile -= a.field(forward=0.030 * a.at(0.41, -0.53, 0.055, 0.09))
    frown = a.slide(pulled(2.0, 0.13, 0.13), 0.03, -0.115) + a.slide(a.lips * (1 - along**2), 0.0, 0.018)
    frown += a.slide(a.at(0.0, -0.83, 0.15, 0.07), 0.0, 0.02, 0.02)
    frown -= a.field(forward=0.02 * a.at(0.34, -0.72, 0.05, 0.06))
    dimple = a.slide(pulled(1.5, 0.14, 0.10), 0.065, 0.005, -0.04)
    dimple -= a.field(forward=0.060 * a.at(0.375, -0.585, 0.050, 0.060))
    dimple += a.field(forward=0.025 * a.at(0.48, -0.57, 0.06, 0.09))
    stretch = a.slide(pulled(1.0, 0.17, 0.13), 0.125, -0.045) + a.slide(a.at(0.30, -0.85, 0.14, 0.10), 0.05, -0.03)
    thin = a.lips * np.clip(a.marks["rim"], 0, 1) * np.clip(a.x / 0.12, 0, 1)
    stretch += a.field(0.0, 0.018 * thin * a.down, -0.01 * thin)
    return {"mouthSmile": smile, "mouthFrown": frown, "mouthDimple": dimple, "mouthStretch": stretch}


def _open(a: Anatomy) -> dict[str, Floats]:
    """One lip drawn away from the other."""
    upper, lower, beside = smooth(0.0, 0.75, -a.down), smooth(0.0, 0.75, a.down), bump(a.x, 0.07, 0.15)
    up = a.slide(upper * np.maximum(a.lips, a.at(0.10, -0.50, 0.16, 0.08)) * beside, 0.0, 0.095, 0.015)
    low = a.slide(lower * np.maximum(a.lips, a.at(0.10, -0.72, 0.16, 0.07)) * beside, 0.01, -0.10)
    return {"mouthUpperUp": up, "mouthLowerDown": low}


def _lips(a: Anatomy) -> dict[str, Floats]:
    """What lips do that stay together."""
    upper, lower = smooth(0.0, 0.75, -a.down), smooth(0.0, 0.75, a.down)
    rim, lip = np.clip(a.marks["rim"], 0, 1.6), a.lips
    press = a.field(0.0, 0.030 * np.clip(rim, 0, 1) * lip * (lower - upper), -0.035 * lip * bump(rim, 0.6, 0.5))
    press += a.slide(a.at(*_CORNER, 0.09, 0.07), 0.015, -0.018, -0.02)
    press += a.field(forward=0.022 * (a.at(0.15, -0.535, 0.10, 0.03) + a.at(0.14, -0.715, 0.10, 0.03)))
    fold, inward = lip * np.clip(rim, 0, 1.2), -0.085 * lip * bump(rim, 0.35, 0.6)
    roll_lower = a.field(0.0, lower * (0.058 * fold + 0.006 * lip), lower * inward)
    roll_upper = a.field(0.0, -upper * (0.042 * fold + 0.004 * lip), upper * inward)
    shrug_lower = a.slide(lower * lip, 0.0, 0.055, 0.065) + a.slide(upper * lip, 0.0, 0.040, 0.012)
    shrug_lower += a.slide(a.at(0.0, -0.86, 0.17, 0.09), 0.0, 0.07, 0.025)
    shrug_upper = a.slide(upper * lip * bump(a.x, 0, 0.17), 0.0, 0.055, 0.06)
    shrug_upper += a.slide(upper * a.at(0, -0.49, 0.12, 0.05), 0.0, 0.02, 0.02)
    shrug_upper += a.slide(lower * lip * bump(a.x, 0, 0.15), 0.0, 0.045, 0.01)
    return {
        "mouthPress": press, "mouthRollLower": roll_lower, "mouthRollUpper": roll_upper,
        "mouthShrugLower": shrug_lower, "mouthShrugUpper": shrug_upper,
    }  # fmt: skip


def _tongue(a: Anatomy) -> Floats:
    """The tongue comes out over the lower lip, which makes room."""
    tongue, tip = a.of("tongue"), a.marks["tip"]
    rise = 0.095 * smooth(0.15, 0.45, tip) - 0.24 * smooth(0.62, 1.0, tip)
    out = a.field(0.18 * a.x * tongue * smooth(0.3, 0.8, tip), tongue * rise, 0.60 * tongue * tip**1.5)
    upper, lower = smooth(0.0, 0.8, -a.down), smooth(0.0, 0.8, a.down)
    room = a.lips * bump(a.x, 0, 0.17)
    return out + a.field(0.0, room * (0.045 * upper - 0.095 * lower), 0.02 * room * lower)
