"""What the targets are written with: who a vertex belongs to, how much it follows the jaw, a lid or a lip, and how
skin slides.

Everything here is symmetrical: ``x`` is the distance from the middle, displacements point outward, and
:meth:`Anatomy.field` gives each side its own direction. A one-sided target is the symmetrical one times
:meth:`Anatomy.left`, and left and right of it add up to the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from koekao.head.curve import bump, smooth
from koekao.head.features import EYE, HINGE, MOUTH_Y, eye_direction
from koekao.head.part import Part

Floats = NDArray[np.float64]

JAW_OPEN = np.radians(21.0)


class Anatomy:
    """The head at rest, as targets see it."""

    def __init__(self, whole: Part, where: Mapping[str, slice]) -> None:
        self.places, self.marks, self.where = whole.places, whole.marks, where
        self.side = np.sign(whole.places[:, 0])
        self.x, self.y, self.z = np.abs(whole.places[:, 0]), whole.places[:, 1], whole.places[:, 2]
        self.n = whole.n

    def of(self, *names: str) -> Floats:
        """1 for the vertices of these parts."""
        mask = np.zeros(self.n)
        for name in names:
            mask[self.where[name]] = 1.0
        return mask

    @cached_property
    def soft(self) -> Floats:
        """1 on what moves with the skin of the face, less and less into the mouth, 0 behind the ears and elsewhere."""
        inside = 1 - smooth(0.05, 0.6, self.marks["inner"])
        return (self.of("skin") * inside + self.of("brow")) * smooth(0.0, 0.3, self.z)

    @cached_property
    def down(self) -> Floats:
        """-1 on the upper lip and above it, 1 on the lower and below; 0 at the corners of the mouth."""
        near = smooth(0.0, 1.0, self.marks["lip"])
        return near * self.marks["lip_down"] + (1 - near) * np.clip((MOUTH_Y - self.y) / 0.14, -1, 1)

    @cached_property
    def lips(self) -> Floats:
        """1 on the lips and inside them, less with the distance from their edge: so slowly that skin does not fold."""
        reach = np.where(self.down < 0, 0.21 - 0.03 * self.down**2, 0.21 + 0.12 * self.down**2)
        fades = 0.5 + 0.5 * np.cos(np.pi * np.clip(self.marks["lip_far"] / reach, 0, 1))
        return fades * self.of("skin") * (1 - smooth(0.1, 0.7, self.marks["inner"])) * smooth(0.0, 0.3, self.z)

    def mouth(self, reach: float) -> Floats:
        """1 on the mouth as a place (upper and lower lip alike), 0 beyond ``reach`` times its size."""
        high = np.where(self.y > MOUTH_Y, 0.115, 0.160)
        far = np.hypot(self.x / 0.30, (self.y - MOUTH_Y) / high)
        return (1 - smooth(0.7, reach, far)) * self.soft

    def at(self, x: float, y: float, wide: float, high: float) -> Floats:
        """A bell on the soft face round a place of the left half (and its mirror image)."""
        return self.soft * bump(self.x, x, wide) * bump(self.y, y, high)

    def left(self, blend: float) -> Floats:
        """1 on the subject's left (+X), 0 on the right, passing over within ``blend`` of the middle."""
        return 0.5 + 0.5 * self.side * (2 * smooth(-blend, blend, self.x) - 1)

    def field(self, out: ArrayLike = 0.0, up: ArrayLike = 0.0, forward: ArrayLike = 0.0) -> Floats:
        """Displacements ``[n, 3]``: away from the middle, up and forward."""
        parts = np.broadcast_arrays(self.side * np.asarray(out, float), up, forward, np.zeros(self.n))[:3]
        return np.stack(parts, axis=-1).astype(np.float64)

    def slide(self, weight: Floats, out: float = 0.0, up: float = 0.0, forward: float = 0.0) -> Floats:
        """Skin that slides over the face: what goes outward also goes back, as the face is round."""
        slope = self.x / np.sqrt(np.maximum(1.0 - self.x**2, 0.35))
        return self.field(weight * out, weight * up, weight * (forward - slope * out))

    @cached_property
    def jaw(self) -> Floats:
        """How much a vertex turns with the jaw. Across the lips it makes the open mouth an ellipse."""
        line = MOUTH_Y + 0.22 * smooth(0.75, 0.0, self.z)
        skin = smooth(line + 0.20, line - 0.20, self.y) * smooth(-0.10, 0.62, self.z) * smooth(-1.45, -1.05, self.y)
        near = smooth(0.0, 1.0, self.marks["lip"])
        skin = near * (0.5 + 0.5 * self.marks["lip_down"]) + (1 - near) * skin
        skin = skin * (1 - 0.85 * smooth(0.45, 1.0, self.marks["inner"]))
        follows = 0.55 + 0.45 * smooth(0.0, 0.5, self.marks["tip"])
        return self.of("skin") * skin + self.of("lower_teeth") + self.of("tongue") * follows

    @cached_property
    def jaw_turn(self) -> Floats:
        """Displacement of each vertex if it turned with the open jaw wholly."""
        y, z = self.y - HINGE[1], self.z - HINGE[2]
        sin, cos = np.sin(JAW_OPEN), np.cos(JAW_OPEN)
        return np.stack([np.zeros(self.n), (cos - 1) * y - sin * z, sin * y + (cos - 1) * z], axis=-1)

    @cached_property
    def eye_angles(self) -> tuple[Floats, Floats, Floats]:
        """Each vertex seen from the middle of its side's eyeball: sideways (outward), up, distance."""
        away = np.stack([self.x, self.y, self.z], axis=-1) - EYE
        distance = np.linalg.norm(away, axis=-1)
        return np.arctan2(away[:, 0], away[:, 2]), np.arcsin(away[:, 1] / distance), distance

    def turned_about_eye(self, up: Floats, sideways: ArrayLike = 0.0, farther: ArrayLike = 0.0) -> Floats:
        """Displacements of vertices that turn about their eye by angles, and go ``farther`` away from it."""
        across, high, distance = self.eye_angles
        there = EYE + (distance + np.asarray(farther, float))[:, None] * eye_direction(
            across + np.asarray(sideways, float), high + up
        )
        moved = there - np.stack([self.x, self.y, self.z], axis=-1)
        return self.field(*moved.T)
