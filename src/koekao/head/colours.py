"""Colours of the head: what each part is painted with, and how it takes the light.

Colours are written as a painter names them (sRGB, 0..1) and kept as light (linear), which is what glTF wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


def linear(srgb: ArrayLike) -> NDArray[np.float64]:
    """sRGB values of 0..1 as linear light (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@dataclass(frozen=True)
class Material:
    """One primitive of the GLB: its name, sRGB base colour, roughness there; here the strength of
    its gloss, how often that is squared (7: as tight as on a wet eye), and how far light creeps round."""

    name: str
    colour: tuple[float, float, float]
    roughness: float
    gloss: float
    squarings: int
    creep: float


MATERIALS: Sequence[Material] = (
    Material("skin", (0.94, 0.76, 0.66), 0.62, 0.05, 4, 0.35),
    Material("lips", (0.94, 0.76, 0.66), 0.45, 0.14, 5, 0.25),
    Material("mouth_inside", (0.42, 0.13, 0.14), 0.7, 0.0, 0, 0.1),
    Material("lashes", (0.20, 0.13, 0.11), 0.8, 0.0, 0, 0.0),
    Material("brows", (0.27, 0.17, 0.12), 0.9, 0.02, 3, 0.2),
    Material("eye_white", (0.97, 0.96, 0.95), 0.15, 1.2, 9, 0.5),
    Material("iris", (0.38, 0.63, 0.69), 0.12, 2.2, 9, 0.2),
    Material("pupil", (0.03, 0.03, 0.04), 0.10, 2.2, 9, 0.0),
    Material("teeth", (0.96, 0.94, 0.90), 0.3, 0.2, 5, 0.3),
    Material("tongue", (0.82, 0.42, 0.42), 0.4, 0.12, 5, 0.3),
    Material("hair", (0.33, 0.20, 0.13), 0.7, 0.10, 4, 0.2),
    Material("shirt", (0.36, 0.47, 0.58), 0.9, 0.0, 0, 0.2),
)
"""Every material, in the order of :attr:`koekao.head.Head.material_names`."""

MATERIAL = {material.name: i for i, material in enumerate(MATERIALS)}

LIP = (0.83, 0.53, 0.50)
"""What the lips are tinted to; their material is the skin's colour, so that their edge is soft."""
