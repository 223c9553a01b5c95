"""Targets of brows, eyes, cheeks and nose. Angles are in degrees, lengths in units of 10 cm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from koekao.head.anatomy import Anatomy
from koekao.head.curve import smooth
from koekao.head.features import EYE, lid_height, lid_meeting

Floats = NDArray[np.float64]

_LOOK_DEG = {"Up": 20.0, "Down": 20.0, "In": 24.0, "Out": 25.0}


def upper_targets(a: Anatomy) -> Mapping[str, Floats]:
    """Symmetrical displacements ``[n, 3]`` by the name without its side."""
    return {**_brows(a), **_lids(a), **_looks(a), **_cheeks(a)}


def _above(a: Anatomy) -> Floats:
    """1 where the brows are, 0 on the lids and under the hair."""
    return smooth(0.13, 0.24, a.y) * (1 - smooth(0.50, 0.75, a.y))


def _brows(a: Anatomy) -> dict[str, Floats]:
    above = _above(a)
    down = a.slide(above * a.at(0.22, 0.29, 0.19, 0.12), -0.045, -0.105, 0.012)
    down += a.field(forward=0.022 * above * a.at(0.12, 0.24, 0.07, 0.06))
    down += a.slide(above * a.at(0.52, 0.29, 0.10, 0.10), 0.0, -0.025)
    inner = a.slide(above * a.at(0.17, 0.31, 0.13, 0.14), -0.015, 0.125)
    inner += a.slide(above * a.at(0.0, 0.33, 0.13, 0.12), 0.0, 0.03)
    outer = a.slide(above * a.at(0.53, 0.31, 0.17, 0.13), 0.0, 0.115)
    return {"browDown": down, "browInnerUp": inner, "browOuterUp": outer}


def _lid_turn(a: Anatomy, upper_deg: Floats, lower_deg: Floats, farther: float = 0.0) -> Floats:
    """Lids turned about the eyeball: their edge by these angles (up is positive), skin beyond it less and less.

    A straight way between two places of a ball leads through it. So the upper lid lies ``farther`` away when it is
    down, and lids stand off the ball far enough that halfway they do not cut into it.
    """
    follows, upper = a.marks["lid"], a.marks["lid_up"] >= 0
    turn = np.radians(np.where(upper, upper_deg, lower_deg))
    return a.turned_about_eye(follows * turn, farther=follows * upper * farther * np.minimum(1, np.abs(turn) / 0.3))


def _lids(a: Anatomy) -> dict[str, Floats]:
    across, middle = a.marks["lid_out"], np.abs(a.marks["lid_up"])
    meeting = np.degrees(lid_meeting(across))
    upper, lower = np.degrees(lid_height(across, True)), np.degrees(lid_height(across, False))
    blink = _lid_turn(a, meeting - 2.2 * middle**0.5 - upper, meeting - lower, farther=0.018)
    blink += a.slide(a.at(0.40, 0.22, 0.2, 0.05), 0.0, -0.012)
    squint = _lid_turn(a, -7.0 * middle, 12.5 * middle)
    squint += a.slide(a.at(0.42, -0.24, 0.17, 0.07), 0.0, 0.035, 0.012)
    wide = _lid_turn(a, 10.0 * middle, -4.0 * middle)
    wide += a.slide(smooth(0.13, 0.24, a.y) * a.at(0.40, 0.30, 0.22, 0.10), 0.0, 0.025)
    return {"eyeBlink": blink, "eyeSquint": squint, "eyeWide": wide}


def _looks(a: Anatomy) -> dict[str, Floats]:
    """Eyeballs turn as a whole at 1 (halfway they are 2 % too small, two ways at once 1 % too large); lids follow."""
    middle = np.abs(a.marks["lid_up"])
    lids = {
        "Up": _lid_turn(a, 6.5 * middle, 5.0 * middle),
        "Down": _lid_turn(a, -15.0 * middle, -4.0 * middle),
        "In": a.turned_about_eye(np.zeros(a.n), sideways=np.radians(-2.5) * middle * a.marks["lid"]),
        "Out": a.turned_about_eye(np.zeros(a.n), sideways=np.radians(2.5) * middle * a.marks["lid"]),
    }
    return {f"eyeLook{way}": _ball_turn(a, way) + lids[way] for way in _LOOK_DEG}


def _ball_turn(a: Anatomy, way: str) -> Floats:
    ball, turn = a.of("eye"), np.radians(_LOOK_DEG[way]) * (-1 if way in ("Down", "In") else 1)
    sin, less = np.sin(turn), np.cos(turn) - 1
    x, y, z = ball * (a.x - EYE[0]), ball * (a.y - EYE[1]), ball * (a.z - EYE[2])
    if way in ("Up", "Down"):
        return a.field(0.0, less * y + sin * z, less * z - sin * y)
    return a.field(less * x + sin * z, 0.0, less * z - sin * x)


def _cheeks(a: Anatomy) -> dict[str, Floats]:
    middle = np.abs(a.marks["lid_up"])
    squint = a.slide(smooth(-0.10, -0.2, a.y) * a.at(0.44, -0.25, 0.17, 0.11), 0.01, 0.10, 0.065)
    squint += _lid_turn(a, np.zeros(a.n), 11.0 * middle)
    cheeks = a.at(0.48, -0.53, 0.20, 0.19) * (1 - 0.8 * a.mouth(1.9))
    puff = a.field(0.14 * cheeks, 0.0, 0.10 * cheeks)
    puff += a.field(-0.10 * a.x * a.mouth(1.8), 0.0, 0.035 * a.mouth(1.8))
    sneer = a.slide(a.at(0.13, -0.30, 0.06, 0.07), 0.012, 0.075, 0.012)
    sneer += a.slide(a.at(0.10, -0.08, 0.07, 0.08), 0.0, 0.035, 0.012)
    sneer += a.slide(a.at(0.17, -0.50, 0.11, 0.07) * np.clip(-2 * a.down, 0, 1), 0.0, 0.055, 0.01)
    sneer += a.slide(smooth(0.13, 0.24, a.y) * a.at(0.16, 0.27, 0.1, 0.08), -0.01, -0.035)
    return {"cheekSquint": squint, "cheekPuff": puff, "noseSneer": sneer}
