"""What the tests of the head share: faces by name, places on the face, triangles and their measures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, NAMES
from koekao.head import Head

Floats = NDArray[np.floating]

COMBINATIONS: tuple[Mapping[str, float], ...] = (
    {"jawOpen": 1, "mouthClose": 1},
    {"mouthSmile": 1, "mouthFunnel": 1},
    {"mouthSmile": 1, "eyeBlink": 1},
    {"mouthSmile": 1, "jawOpen": 1, "cheekSquint": 1},
    {"mouthPucker": 1, "jawOpen": 1},
    {"mouthFunnel": 1, "jawOpen": 1},
    {"mouthPucker": 1, "mouthFunnel": 1},
    {"mouthFrown": 1, "browDown": 1},
    {"tongueOut": 1, "jawOpen": 1},
    {"mouthRollLower": 1, "mouthRollUpper": 1},
    {"mouthStretch": 1, "mouthLowerDown": 1, "mouthUpperUp": 1},
    {"noseSneer": 1, "mouthUpperUp": 1},
    {"cheekPuff": 1, "mouthPress": 1},
    {"browInnerUp": 1, "browOuterUp": 1, "eyeWide": 1},
    {"jawLeft": 1, "mouthRight": 1},
    {"eyeLookUp": 1, "eyeLookOutLeft": 1, "eyeLookInRight": 1},
    {"eyeLookDown": 1, "eyeBlink": 1, "eyeSquint": 1},
)


def target(head: Head, name: str) -> NDArray[np.float64]:
    return head.targets[INDEX[name]].astype(np.float64)


def corners_of(head: Head, positions: Floats) -> tuple[Floats, Floats, Floats]:
    a, b, c = (positions[corner].astype(np.float64) for corner in head.all_triangles.T)
    return a, b, c


def facing(head: Head, positions: Floats) -> tuple[Floats, Floats]:
    """Unit normal ``[F, 3]`` and area ``[F]`` of every triangle."""
    a, b, c = corners_of(head, positions)
    across = np.cross(b - a, c - a)
    double = np.linalg.norm(across, axis=1)
    return across / np.maximum(double, 1e-30)[:, None], double / 2


def edges_of(triangles: NDArray[np.integer]) -> NDArray[np.integer]:
    """Every edge once, ``[E, 2]``."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)


def volume(head: Head, positions: Floats, part: str) -> float:
    """Volume within a part, m^3; its holes count as closed toward the origin."""
    a, b, c = corners_of(head, positions)
    place = head.parts[part]
    own = (head.all_triangles[:, 0] >= place.start) & (head.all_triangles[:, 0] < place.stop)
    return float((a[own] * np.cross(b[own], c[own])).sum() / 6)


SIDED = [name for name in NAMES if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")]
WHOLE = [name for name in NAMES if not name.endswith(("Left", "Right"))]
