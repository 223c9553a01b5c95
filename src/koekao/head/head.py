"""A head made by code: the rest shape, a displacement for each of the 52 curves, and how both are posed.

Coordinates are glTF's, in metres: +Y is up, the face looks to +Z, and **the subject's left is +X** (on the right of a
picture taken from the front), so ``eyeBlinkLeft`` moves vertices with x > 0. Everything is symmetrical to the bit:
``positions[mirror] * (-1, 1, 1)`` is ``positions``, and a Right target is the Left one in the mirror.

Curves add up: a posed vertex is ``positions + sum(curves[k] * targets[k])``, as every engine does it. ``mouthClose``
is Apple's: lips that meet while the jaw is open; alone, on a closed mouth, it pushes them through one another.
What it gives up: hair, skin wrinkles and eyeballs that bulge; it is one face, not a model of faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from koekao.arkit import HEAD_AND_EYES, N_CURVES
from koekao.errors import CurvesError

PIVOT_M = (0.0, -0.138, -0.02)
"""The head turns about this place, in the neck at the height of the collar."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Head:
    """What is drawn, and how it moves. Arrays cannot be written to.

    Attributes:
        positions: float32 ``[V, 3]``, metres.
        targets: float32 ``[52, V, 3]``, displacements at 1 in the order of :data:`koekao.arkit.NAMES`.
        triangles: int32 ``[F, 3]`` a material, counterclockwise from outside.
        material_names: name of each material.
        material_colours: float32 ``[M, 3]``, linear light.
        tint: float32 ``[V, 3]`` of 0..1: a vertex shows its material's colour times this.
        mirror: int64 ``[V]``, the vertex on the other side; a vertex of the middle is its own.
        parts: where in ``positions`` each part lies (``skin``, ``left_eye``, ``right_eye``, ``upper_teeth`` ...).
        finishes: float32 ``[M, 3]``, for the renderer: strength of the gloss, how often it is squared, creep of light.
        roughness: float32 ``[M]``, for glTF.
        eye_middles: float32 ``[2, 3]``, middles of the left and the right eyeball.
    """

    positions: NDArray[np.float32]
    targets: NDArray[np.float32]
    triangles: tuple[NDArray[np.int32], ...]
    material_names: tuple[str, ...]
    material_colours: NDArray[np.float32]
    tint: NDArray[np.float32]
    mirror: NDArray[np.int64]
    parts: Mapping[str, slice]
    finishes: NDArray[np.float32]
    roughness: NDArray[np.float32]
    eye_middles: NDArray[np.float32]

    def __post_init__(self) -> None:
        for array in (*vars(self).values(), *self.triangles):
            if isinstance(array, np.ndarray):
                array.setflags(write=False)

    @cached_property
    def all_triangles(self) -> NDArray[np.int32]:
        """int32 ``[F, 3]``: the triangles of all materials, one material after the other."""
        return np.ascontiguousarray(np.concatenate(self.triangles))

    @cached_property
    def face_materials(self) -> NDArray[np.int32]:
        """int32 ``[F]``: the material of each of :attr:`all_triangles`."""
        return np.repeat(np.arange(len(self.triangles), dtype=np.int32), [len(some) for some in self.triangles])

    def posed(self, curves: ArrayLike, pose: ArrayLike | None = None) -> NDArray[np.float32]:
        """Places of all vertices, float32 ``[V, 3]``, metres.

        Args:
            curves: ``[52]`` in the order of :data:`koekao.arkit.NAMES`; nominally 0..1, taken as they are.
            pose: ``[9]``, radians, in the order of :data:`koekao.arkit.HEAD_AND_EYES`. Yaw turns about +Y (toward the
                subject's left), pitch about +X (down), roll about +Z (the left ear rises): right-handed, roll first.
                Eyes are turned on top of what the ``eyeLook`` curves do; a recording that has both has the gaze twice.

        Raises:
            CurvesError: another number of values, or one that is not finite.
        """
        weights = _numbers(curves, N_CURVES, "curves")
        used = np.flatnonzero(weights)
        moved = np.tensordot(weights[used], self.targets[used], axes=1)
        places: NDArray[np.float32] = (self.positions + moved).astype(np.float32)
        if pose is None:
            return places
        angles = _numbers(pose, len(HEAD_AND_EYES), "pose").reshape(3, 3)
        for part, middle, angle in zip(("left_eye", "right_eye"), self.eye_middles, angles[1:], strict=True):
            places[self.parts[part]] = (places[self.parts[part]] - middle) @ turn(*angle).T + middle
        still = self.parts["shirt"]
        pivot = np.array(PIVOT_M, np.float32)
        turned = ((places - pivot) @ turn(*angles[0]).T + pivot).astype(np.float32)
        turned[still] = places[still]
        return turned

    def normals(self, positions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit normals float32 ``[V, 3]`` of posed ``positions`` ``[V, 3]``.

        A triangle counts more where its corner is sharp and its edges are short, which is exact on a sphere however
        unequal the triangles are (N. Max, "Weights for computing vertex normals from facet normals", 1999).
        """
        corners = self.all_triangles.T
        a, b, c = (positions[corner] for corner in corners)
        ab, bc, ca = b - a, c - b, a - c
        across = np.cross(ab, -ca)
        ab2, bc2, ca2 = ((edge * edge).sum(axis=1) + np.float32(1e-16) for edge in (ab, bc, ca))
        weights = np.concatenate([1 / (ab2 * ca2), 1 / (ab2 * bc2), 1 / (bc2 * ca2)])
        total = np.stack(
            [np.bincount(corners.ravel(), np.tile(across[:, k], 3) * weights, len(positions)) for k in range(3)],
            axis=-1,
        )
        length = np.linalg.norm(total, axis=-1, keepdims=True)
        return np.asarray(total / np.maximum(length, 1e-20), np.float32)


def turn(yaw: float, pitch: float, roll: float) -> NDArray[np.float32]:
    """The rotation ``[3, 3]`` (for columns) of angles in radians: roll about +Z, then pitch about +X, yaw about +Y."""
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float32)


def _numbers(values: ArrayLike, n: int, what: str) -> NDArray[np.float32]:
    array = np.asarray(values, np.float32)
    if array.shape != (n,):
        raise CurvesError(f"{what} of shape {array.shape}", expected=f"({n},)")
    if not np.isfinite(array).all():
        raise CurvesError(f"{what} with a value that is not finite", do="see koekao.takes' policies for damaged frames")
    return array
