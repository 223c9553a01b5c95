"""The eyeballs: white, iris and pupil as bands round the pole that looks ahead."""

from __future__ import annotations

import numpy as np

from koekao.head.colours import MATERIAL
from koekao.head.features import EYE, EYE_RADIUS
from koekao.head.part import Part, grid_quads, part

_AROUND = 24
_BANDS = (0.0, 7.0, 11.5, 13.0, 18.5, 24.0, 26.5, 28.5, 34.0, 46.0, 62.0, 80.0, 100.0, 130.0, 180.0)  # degrees off the pole
_PUPIL_TO, _IRIS_TO = 11.5, 26.5


def left_eye() -> Part:
    """The left eyeball, turned straight ahead."""
    bands = np.radians(_BANDS)[:, None]
    around = 2 * np.pi * np.arange(_AROUND)[None] / _AROUND
    unit = np.stack(np.broadcast_arrays(np.sin(bands) * np.cos(around), np.sin(bands) * np.sin(around), np.cos(bands)), -1)
    ids = np.arange(unit[..., 0].size).reshape(unit.shape[:2])
    ids[0], ids[-1] = ids[0, 0], ids[-1, 0]
    material = np.repeat(
        [MATERIAL["pupil" if b < _PUPIL_TO else "iris" if b < _IRIS_TO else "eye_white"] for b in _BANDS[:-1]], _AROUND
    )
    tint = np.ones((*unit.shape[:2], 3))
    iris = (np.array(_BANDS) >= _PUPIL_TO) & (np.array(_BANDS) <= _IRIS_TO)
    edge = {11.5: 0.35, 13.0: 0.6, 18.5: 1.0, 24.0: 0.8, 26.5: 0.35}
    for row in np.flatnonzero(iris):
        tint[row] *= edge[_BANDS[row]] * (0.78 - 0.3 * np.sin(around[0]))[:, None]
    used = np.unique(ids)
    number = np.zeros(unit[..., 0].size, np.int64)
    number[used] = np.arange(len(used))
    quads = number[grid_quads(ids, closed=True)]
    places = EYE + EYE_RADIUS * unit.reshape(-1, 3)[used]
    marks = {"eyeball": np.ones(len(used))}
    return part("eye", places, quads, material, tint=tint.reshape(-1, 3)[used], marks=marks)
