"""The parts put together, and the 52 targets laid out in Apple's order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.head.anatomy import Anatomy
from koekao.head.brows import left_brow
from koekao.head.colours import MATERIALS, linear
from koekao.head.ears import left_ear
from koekao.head.eyes import left_eye
from koekao.head.features import EYE
from koekao.head.hair import hair
from koekao.head.head import Head
from koekao.head.mouth import teeth, tongue
from koekao.head.mouth_targets import mouth_targets
from koekao.head.part import Part, joined, mirrored
from koekao.head.sculpture import face_depth
from koekao.head.shirt import shirt
from koekao.head.skin import skin
from koekao.head.upper_targets import upper_targets

Floats = NDArray[np.float64]

_UNIT_M = 0.1
_NOTHING_M = 2e-6  # what moves less does not move: targets stay sparse
_BLEND = 0.10


@cache
def make_head() -> Head:
    """The head; the same to the bit at every call, and made once a process."""
    whole, where = joined(
        [
            skin(), mirrored(left_eye()), mirrored(left_brow(face_depth)), mirrored(left_ear()), teeth(upper=True),
            teeth(upper=False), tongue(), hair(), shirt(),
        ]
    )  # fmt: skip
    targets = _targets(whole, where)
    return Head(
        positions=(whole.places * _UNIT_M).astype(np.float32),
        targets=targets,
        triangles=tuple(whole.triangles[whole.materials == m].astype(np.int32) for m in range(len(MATERIALS))),
        material_names=tuple(material.name for material in MATERIALS),
        material_colours=linear([material.colour for material in MATERIALS]).astype(np.float32),
        tint=whole.tint.astype(np.float32),
        mirror=whole.mirror,
        parts=_by_side(where),
        finishes=np.array([[m.gloss, m.squarings, m.creep] for m in MATERIALS], np.float32),
        roughness=np.array([material.roughness for material in MATERIALS], np.float32),
        eye_middles=(np.stack([EYE, EYE * (-1, 1, 1)]) * _UNIT_M).astype(np.float32),
    )


def _by_side(where: Mapping[str, slice]) -> dict[str, slice]:
    """The two eyes, brows and ears by their own names: the left half comes first."""
    parts: dict[str, slice] = {}
    for name, place in where.items():
        if name in ("eye", "brow", "ear"):
            middle = (place.start + place.stop) // 2
            parts[f"left_{name}"], parts[f"right_{name}"] = slice(place.start, middle), slice(middle, place.stop)
        else:
            parts[name] = place
    return parts


def _targets(whole: Part, where: Mapping[str, slice]) -> NDArray[np.float32]:
    """float32 ``[52, V, 3]``, metres."""
    anatomy = Anatomy(whole, where)
    fields = {**upper_targets(anatomy), **mouth_targets(anatomy)}
    left = anatomy.left(_BLEND)
    targets = np.stack([_target(name, fields, left, whole.mirror) for name in NAMES]) * _UNIT_M
    targets[np.abs(targets).max(axis=-1) < _NOTHING_M] = 0.0
    return targets.astype(np.float32)


def _target(name: str, fields: Mapping[str, Floats], left: Floats, mirror: NDArray[np.int64]) -> Floats:
    """One target: as it is, one side of a symmetrical one, or the mirror image of the left."""
    if name in fields:
        return fields[name]
    if name.endswith("Right"):
        return _target(name.removesuffix("Right") + "Left", fields, left, mirror)[mirror] * (-1, 1, 1)
    return fields[name.removesuffix("Left")] * left[:, None]
