"""The eyeballs: white, iris and pupil as bands round the pole that looks ahead."""

from __future__ import annotations

import numpy as np

from koekao.head.colours import MATERIAL
from koekao.head.features import EYE, EYE_RADIUS
from koekao.head.part import Part, grid_of, grid_quads, part

_AROUND = 24
_BANDS = (  # degrees off the pole, and how bright the iris is there
    (0.0, 1.0), (7.0, 1.0), (11.5, 0.35), (13.0, 0.6), (18.5, 1.0), (24.0, 0.8), (26.5, 0.35), (28.5, 1.0), (34.0, 1.0),
    (46.0, 1.0), (62.0, 1.0), (82.0, 1.0), (115.0, 1.0), (180.0, 1.0),
)  # fmt: skip
_PUPIL_TO, _IRIS_TO = 11.5, 26.5


def left_eye() -> Part:
    """The left eyeball, looking straight ahead."""
    degrees, bright = np.array(_BANDS).T
    away, around = np.radians(degrees)[:, None], 2 * np.pi * np.arange(_AROUND) / _AROUND
    places = EYE + EYE_RADIUS * np.stack(
        np.broadcast_arrays(np.sin(away) * np.cos(around), np.sin(away) * np.sin(around), np.cos(away)), axis=-1
    )
    ids = grid_of(places)
    ids[0], ids[-1] = ids[0, 0], ids[-1, 0]
    name = np.where(degrees < _PUPIL_TO, "pupil", np.where(degrees < _IRIS_TO, "iris", "eye_white"))[:-1]
    material = np.repeat([MATERIAL[str(one)] for one in name], _AROUND)
    iris = ((degrees >= _PUPIL_TO) & (degrees <= _IRIS_TO))[:, None]
    tint = np.where(iris, bright[:, None] * (0.72 - 0.28 * np.sin(around)), 1.0)
    return part("eye", places, grid_quads(ids, closed=True), material, tint=tint[..., None] * np.ones(3))
