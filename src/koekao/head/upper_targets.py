"""Targets of brows, eyes, cheeks and nose. Angles in degrees, lengths in units of 10 cm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from koekao.head.anatomy import Anatomy
from koekao.head.curve import bump, smooth
from koekao.head.features import lid_height, lid_meeting

Floats = NDArray[np.float64]

LOOK_DEG = {"Up": 20.0, "Down": 22.0, "In": 24.0, "Out": 26.0}


def upper_targets(a: Anatomy) -> Mapping[str, Floats]:
    """Symmetrical displacements by the name without its side."""
    return {**_brows(a), **_lids(a), **_looks(a), **_cheeks(a)}


def _brows(a: Anatomy) -> dict[str, Floats]:
    forehead = 1 - smooth(0.50, 0.75, a.y)
    above = smooth(0.13, 0.24, a.y) * forehead
    down = above * a.at(0.22, 0.29, 0.19, 0.12)
    frown = a.slide(down, -0.045, -0.105, 0.012) + a.field(forward=0.022 * above * a.at(0.12, 0.24, 0.07, 0.06))
    frown += a.slide(above * a.at(0.52, 0.29, 0.10, 0.10), 0.0, -0.025)
    inner = above * (a.at(0.17, 0.31, 0.13, 0.14))
    outer = above * a.at(0.53, 0.31, 0.17, 0.13)
    return {
        "browDown": frown,
        "browInnerUp": a.slide(inner, -0.015, 0.125, 0.0) + a.slide(above * a.at(0.0, 0.33, 0.13, 0.12), 0, 0.03),
        "browOuterUp": a.slide(outer, 0.0, 0.115, 0.0),
    }


def _lid_turn(a: Anatomy, upper_rad: Floats, lower_rad: Floats, farther: float = 0.0) -> Floats:
    """Lids turned about the eyeball: their edge by these angles, skin beyond it less and less."""
    follows = a.marks["lid"]
    upper = a.marks["lid_up"] >= 0
    turn = follows * np.where(upper, upper_rad, lower_rad)
    return a.turned_about_eye(turn, farther=follows * upper * farther * np.minimum(1, np.abs(upper_rad) / 0.3))


def _lids(a: Anatomy) -> dict[str, Floats]:
    across, middle = a.marks["lid_out"], np.abs(a.marks["lid_up"])
    meeting = lid_meeting(across)
    blink = _lid_turn(a, meeting - np.radians(0.8) * middle - lid_height(across, True), meeting - lid_height(across, False), 0.018 * 1.0)
    blink += a.slide(a.at(0.40, 0.22, 0.2, 0.05), 0, -0.012)
    squint = _lid_turn(a, -np.radians(7.0) * middle, np.radians(12.5) * middle)
    squint += a.slide(a.at(0.42, -0.24, 0.17, 0.07), 0.0, 0.035, 0.012)
    wide = _lid_turn(a, np.radians(10.0) * middle, -np.radians(4.0) * middle)
    wide += a.slide(smooth(0.13, 0.24, a.y) * a.at(0.40, 0.30, 0.22, 0.10), 0, 0.025)
    return {"eyeBlink": blink, "eyeSquint": squint, "eyeWide": wide}


def _looks(a: Anatomy) -> dict[str, Floats]:
    """Eyeballs turn as a whole at 1 (and are 2 % too small halfway); lids follow a part of the way."""
    ball = a.of("eye")
    degree = np.radians(1.0) * np.abs(a.marks["lid_up"])
    lids = {
        "Up": _lid_turn(a, 7.0 * degree, 4.5 * degree),
        "Down": _lid_turn(a, -15.0 * degree, -4.0 * degree),
        "In": _side_turn(a, -2.5),
        "Out": _side_turn(a, 2.5),
    }
    x, y, z = a.x - _eye(0), a.y - _eye(1), a.z - _eye(2)
    looks = {}
    for way, sign in (("Up", 1.0), ("Down", -1.0)):
        turn = np.radians(LOOK_DEG[way]) * sign
        sin, cos = np.sin(turn), np.cos(turn)
        looks[way] = a.field(0, ball * ((cos - 1) * y + sin * z), ball * ((cos - 1) * z - sin * y))
    for way, sign in (("In", -1.0), ("Out", 1.0)):
        turn = np.radians(LOOK_DEG[way]) * sign
        sin, cos = np.sin(turn), np.cos(turn)
        looks[way] = a.field(ball * ((cos - 1) * x + sin * z), 0, ball * ((cos - 1) * z - sin * x))
    return {f"eyeLook{way}": looks[way] + lids[way] for way in looks}


def _side_turn(a: Anatomy, degrees: float) -> Floats:
    follows = a.marks["lid"] * np.abs(a.marks["lid_up"])
    return a.turned_about_eye(np.zeros(a.n), sideways=follows * np.radians(degrees))


def _eye(axis: int) -> float:
    from koekao.head.features import EYE

    return float(EYE[axis])


def _cheeks(a: Anatomy) -> dict[str, Floats]:
    middle = np.abs(a.marks["lid_up"])
    below = smooth(-0.10, -0.2, a.y)
    squint = a.slide(below * a.at(0.44, -0.25, 0.17, 0.11), 0.01, 0.10, 0.065)
    squint += _lid_turn(a, np.zeros(a.n), np.radians(11.0) * middle)
    puff_at = a.at(0.48, -0.53, 0.20, 0.19) * (1 - 0.8 * a.mouth(1.9))
    puff = a.field(0.14 * puff_at, 0.0, 0.10 * puff_at)
    puff += a.field(-0.10 * a.x * a.mouth(1.8), 0.0, 0.035 * a.mouth(1.8))
    sneer = a.slide(a.at(0.13, -0.30, 0.06, 0.07), 0.012, 0.075, 0.012)
    sneer += a.slide(a.at(0.10, -0.08, 0.07, 0.08), 0.0, 0.035, 0.012)
    sneer += a.slide(a.at(0.17, -0.50, 0.11, 0.07) * np.where(a.down < 0, np.minimum(1, -2 * a.down), 0), 0.0, 0.055, 0.01)
    sneer += a.slide(smooth(0.13, 0.24, a.y) * a.at(0.16, 0.27, 0.1, 0.08), -0.01, -0.035)
    return {"cheekSquint": squint, "cheekPuff": puff, "noseSneer": sneer}
