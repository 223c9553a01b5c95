"""Frames for the tests of the wire: values that a float32 holds exactly and that differ from curve to curve."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from koekao.arkit import NAMES
from koekao.wire import FaceFrame

UNREAL = """
EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft EyeWideLeft
EyeBlinkRight EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight EyeSquintRight EyeWideRight
JawForward JawLeft JawRight JawOpen MouthClose MouthFunnel MouthPucker MouthLeft MouthRight MouthSmileLeft
MouthSmileRight MouthFrownLeft MouthFrownRight MouthDimpleLeft MouthDimpleRight MouthStretchLeft MouthStretchRight
MouthRollLower MouthRollUpper MouthShrugLower MouthShrugUpper MouthPressLeft MouthPressRight MouthLowerDownLeft
MouthLowerDownRight MouthUpperUpLeft MouthUpperUpRight BrowDownLeft BrowDownRight BrowInnerUp BrowOuterUpLeft
BrowOuterUpRight CheekPuff CheekSquintLeft CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut
""".split()  # noqa: SIM905 (as it is written elsewhere)
"""Unreal's order, written down by hand here."""


def known(number: int = 3, time_s: Fraction = Fraction(1, 8)) -> FaceFrame:
    """Curve k (canonical order) is (k + 1) / 64, rotation k is (k - 4) / 16."""
    curves = (np.arange(len(NAMES), dtype=np.float32) + 1) / 64
    return FaceFrame(number, time_s, curves, (np.arange(9, dtype=np.float32) - 4) / 16)


def value_of(pascal: str) -> float:
    """What :func:`known` holds for a curve in Unreal's spelling."""
    return (NAMES.index(pascal[0].lower() + pascal[1:]) + 1) / 64


def moving(n_frames: int, fps: Fraction, seed: int = 0) -> list[FaceFrame]:
    """Frames k at k / fps of which no two are alike, not even in hundredths."""
    rng = np.random.default_rng(seed)
    return [
        FaceFrame(k, k / fps, rng.random(52, np.float32), rng.uniform(-0.5, 0.5, 9).astype(np.float32))
        for k in range(n_frames)
    ]
