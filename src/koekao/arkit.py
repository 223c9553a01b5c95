"""The 52 ARKit face curves: names, order, regions, mirror pairs, and everybody else's spelling and order.

koekao's canonical order is Apple's (alphabetical, as in ``ARFaceAnchor.h``, Unity and LAM). Curves are read by name; an
array without names is read only by an order that the caller states. The orders differ in nasty ways: Live Link Face's
CSV has ``JawRight`` before ``JawLeft`` and ``MouthRight`` before ``MouthLeft``, its UDP packets the other way round,
and MediaPipe's "52" are ``_neutral`` and 51 curves without ``tongueOut``.

Sources: Apple ARFaceAnchor.h; Unity ARKitBlendShapeLocation; Unreal EARFaceBlendShape; MediaPipe
face_blendshapes_graph.cc; real Live Link Face captures; NVIDIA Audio2Face-3D-Samples; the iFacialMocap developer page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from koekao.errors import CurvesError

NAMES: tuple[str, ...] = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
    "tongueOut",
)  # fmt: skip
"""The canonical order: every ``[..., 52]`` array in koekao is in this order, values nominally in [0, 1]."""

N_CURVES = len(NAMES)
INDEX: Mapping[str, int] = MappingProxyType({name: i for i, name in enumerate(NAMES)})

REGIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        region: tuple(name for name in NAMES if name.startswith(region))
        for region in ("jaw", "mouth", "cheek", "nose", "brow", "eye", "tongue")
    }
)
"""Region name -> its curves, in canonical order. The seven regions partition the 52."""


def _mirrored(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


MIRROR: NDArray[np.int64] = np.array([INDEX[_mirrored(name)] for name in NAMES], np.int64)
"""``curves[..., MIRROR]`` is the face seen in a mirror: left and right change places, the middle stays."""

HEAD_AND_EYES: tuple[str, ...] = (
    "HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw", "RightEyePitch", "RightEyeRoll",
)  # fmt: skip
"""The nine rotations (radians) that Live Link carries after the 52 curves."""


def pascal(name: str) -> str:
    """``jawOpen`` -> ``JawOpen`` (Unreal, Unity, VRM Perfect Sync)."""
    return name[0].upper() + name[1:]


def underscored(name: str) -> str:
    """``mouthSmileLeft`` -> ``mouthSmile_L`` (iFacialMocap); names without a side stay (``jawLeft`` too)."""
    for side, short in (("Left", "_L"), ("Right", "_R")):
        if name.endswith(side) and name not in _WHOLE_WORD_SIDES:
            return name.removesuffix(side) + short
    return name


_WHOLE_WORD_SIDES = frozenset({"jawLeft", "jawRight", "mouthLeft", "mouthRight"})
_CANONICAL: Mapping[str, str] = {spell(name): name for name in NAMES for spell in (str, pascal, underscored)}


def canonical(name: str) -> str | None:
    """The canonical name of a curve in any known spelling, or None for a name that is none of the 52.

    >>> canonical("JawOpen"), canonical("mouthSmile_L"), canonical("_neutral")
    ('jawOpen', 'mouthSmileLeft', None)
    """
    return _CANONICAL.get(name)


_UNREAL = tuple(
    pascal(name)
    for name in (
        "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft", "eyeWideLeft",
        "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight",
        "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker",
        "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
        "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
        "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft",
        "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp",
        "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
        "noseSneerRight", "tongueOut",
    )
)  # fmt: skip
_CSV_SWAPS = {"JawLeft": "JawRight", "JawRight": "JawLeft", "MouthLeft": "MouthRight", "MouthRight": "MouthLeft"}
_A2F_TONGUE = tuple(
    "Tongue" + part
    for part in (
        "TipUp", "TipDown", "TipLeft", "TipRight", "RollUp", "RollDown", "RollLeft", "RollRight",
        "Up", "Down", "Left", "Right", "In", "Stretch", "Wide", "Narrow",
    )
)  # fmt: skip

LIVELINK_CSV_CURVES: tuple[str, ...] = tuple(_CSV_SWAPS.get(name, name) for name in _UNREAL)
"""The 52 curve columns of a Live Link Face CSV in the phone's order (sides of jaw and mouth swapped against UDP)."""

ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "apple": NAMES,
        "lam": NAMES,
        "unity": tuple(map(pascal, NAMES)),
        "vrm": tuple(map(pascal, NAMES)),
        "mediapipe": ("_neutral", *NAMES[:-1]),
        "beat": NAMES[:-1],
        "livelink_csv": ("Timecode", "BlendShapeCount", *LIVELINK_CSV_CURVES, *HEAD_AND_EYES),
        "livelink_udp": (*_UNREAL, *HEAD_AND_EYES),
        "unreal": (*_UNREAL, *HEAD_AND_EYES),
        "audio2face": (*_UNREAL, *_A2F_TONGUE),
        "ifacialmocap": (
            "mouthSmile_R", "eyeLookOut_L", "mouthUpperUp_L", "eyeWide_R", "mouthClose", "mouthPucker", "mouthRollLower",
            "eyeBlink_R", "eyeLookDown_L", "cheekSquint_R", "eyeBlink_L", "tongueOut", "jawRight", "eyeLookIn_R",
            "cheekSquint_L", "mouthDimple_L", "mouthPress_L", "eyeSquint_L", "mouthRight", "mouthShrugLower", "eyeLookUp_R",
            "eyeLookOut_R", "mouthPress_R", "cheekPuff", "jawForward", "mouthLowerDown_L", "mouthFrown_L",
            "mouthShrugUpper", "browOuterUp_L", "browInnerUp", "mouthDimple_R", "browDown_R", "mouthUpperUp_R",
            "mouthRollUpper", "mouthFunnel", "mouthStretch_R", "mouthFrown_R", "eyeLookDown_R", "jawOpen", "jawLeft",
            "browDown_L", "mouthSmile_L", "noseSneer_R", "mouthLowerDown_R", "noseSneer_L", "eyeWide_L", "mouthStretch_L",
            "browOuterUp_R", "eyeLookIn_L", "eyeSquint_R", "eyeLookUp_L", "mouthLeft",
        ),
    }
)  # fmt: skip
"""Every order seen in the wild, in its own spelling. Entries that are no curve (``_neutral``, rotations) are kept."""


def positions(names: Sequence[str]) -> dict[str, int]:
    """Canonical name -> position in ``names``, for every entry that is one of the 52, whatever its spelling.

    Raises:
        CurvesError: two entries mean the same curve.
    """
    found: dict[str, int] = {}
    for i, name in enumerate(names):
        curve = canonical(name)
        if curve is None:
            continue
        if curve in found:
            raise CurvesError(
                f"{names[found[curve]]!r} and {name!r} both name {curve}", do="keep one of the two columns"
            )
        found[curve] = i
    return found


def order_named(order: str) -> tuple[str, ...]:
    """The names of a known order.

    Raises:
        CurvesError: no such order; the known ones are listed.
    """
    if order not in ORDERS:
        raise CurvesError(f"unknown curve order {order!r}", expected="one of " + ", ".join(ORDERS))
    return ORDERS[order]


def from_canonical(curves: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
    """Lay ``curves`` ``[..., 52]`` out in the order ``names``; entries that are no curve become 0."""
    out = np.zeros((*curves.shape[:-1], len(names)), np.float32)
    for i, name in enumerate(names):
        curve = canonical(name)
        if curve is not None:
            out[..., i] = curves[..., INDEX[curve]]
    return out


MOVING_RANGE = 0.05
"""A curve moves in a recording if its largest and smallest value are farther apart than this (5 % of full scale)."""
