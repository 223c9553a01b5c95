"""Pictures of the head, drawn without a window, a browser or a graphics card: they are made on servers too.

Triangles are filled by distance, four samples a pixel; every pixel is lit once a triangle that it shows, by three lamps
that stand with the camera and by a soft light from above. Light creeps round skin, gloss follows the material, and what
lies deeper than its surroundings is darker, which is what lids, lips and nostrils are read by.

What it gives up: cast shadows, mirrors, textures, and every triangle that reaches behind the camera.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from koekao.errors import ConfigError
from koekao.head.colours import linear
from koekao.head.head import Head

_LAMPS = (  # from where in the camera's frame (x right, y up, z to the viewer), colour of the light
    ((-0.45, 0.62, 0.75), (0.80, 0.74, 0.66)),
    ((0.85, 0.12, 0.55), (0.20, 0.23, 0.30)),
    ((0.65, 0.45, -0.75), (0.42, 0.42, 0.50)),
)
_ABOVE, _BELOW = (0.34, 0.36, 0.42), (0.16, 0.13, 0.12)
_CREVICE_M = 0.006


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Where the picture is taken from: around the head, at its ``target``, by a lens of ``field_deg`` of height.

    ``yaw_deg`` 90 looks at the subject's left side, ``pitch_deg`` 90 from above.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    distance_m: float = 1.1
    field_deg: float = 18.0
    target_m: tuple[float, float, float] = (0.0, -0.015, 0.0)

    def __post_init__(self) -> None:
        numbers = (self.yaw_deg, self.pitch_deg, self.distance_m, self.field_deg, *self.target_m)
        if not (all(map(math.isfinite, numbers)) and self.distance_m > 0 and 0 < self.field_deg < 180):
            raise ConfigError(
                f"no picture from {self}", expected="finite numbers, distance above 0, field in (0, 180) degrees"
            )

    def frame(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rotation ``[3, 3]`` (rows: right, up, to the viewer) and place ``[3]`` of the camera, metres."""
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        back = np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
        right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
        return np.stack([right, np.cross(back, right), back]), np.asarray(self.target_m) + self.distance_m * back


@cache
def _code() -> Any:
    from koekao.compiled import MachineCode

    return MachineCode("koekao.head.raster_source", {"fill": 7, "shade": 15})


@dataclass(frozen=True)
class Seen:
    """What stands at every sample: ``faces`` int32 ``[2H, 2W]`` (row of all triangles, -1: nothing) and ``depths``."""

    faces: NDArray[np.int32]
    depths: NDArray[np.float32]
    corners: NDArray[np.float32]


def visible(head: Head, positions: NDArray[np.float32], *, width: int, height: int, camera: Camera) -> Seen:
    """The nearest triangle at every one of the ``2 * height`` x ``2 * width`` samples of a picture."""
    if width < 1 or height < 1:
        raise ConfigError(f"a picture of {width} x {height} pixels", expected="at least one pixel")
    turn, place = camera.frame()
    seen = (positions.astype(np.float64) - place) @ turn.T
    near = 1.0 / np.maximum(-seen[:, 2], 1e-9)
    near[seen[:, 2] > -1e-3] = 0.0
    scale = height / math.tan(math.radians(camera.field_deg) / 2)  # of samples: twice the half height
    corners = np.empty((len(seen), 3), np.float32)
    corners[:, 0] = width + seen[:, 0] * near * scale
    corners[:, 1] = height - seen[:, 1] * near * scale
    corners[:, 2] = near
    depths = np.empty((2 * height, 2 * width), np.float32)
    faces = np.empty((2 * height, 2 * width), np.int32)
    triangles = head.all_triangles
    _code()["fill"](
        corners.ctypes.data, triangles.ctypes.data, len(triangles), 2 * width, 2 * height,
        depths.ctypes.data, faces.ctypes.data,
    )  # fmt: skip
    return Seen(faces, depths, corners)


def render(
    head: Head,
    curves: ArrayLike,
    pose: ArrayLike | None = None,
    *,
    width: int = 640,
    height: int = 640,
    camera: Camera | None = None,
    background: Sequence[float] = (0.86, 0.88, 0.90),
) -> NDArray[np.uint8]:
    """The head with these ``curves`` ``[52]`` and ``pose`` ``[9]`` as a picture, uint8 ``[height, width, 3]`` (sRGB).

    Raises:
        ConfigError: a picture without pixels, or a background that is not three numbers of 0..1.
        CurvesError: curves or pose of another shape, or not finite.
    """
    if np.shape(background) != (3,) or not all(0 <= part <= 1 for part in background):
        raise ConfigError(f"background {background!r}", expected="red, green and blue, each 0..1")
    camera = camera or Camera()
    positions = head.posed(curves, pose)
    seen = visible(head, positions, width=width, height=height, camera=camera)
    turn, place = camera.frame()
    vertices = np.empty((len(positions), 9), np.float32)
    vertices[:, :3] = head.normals(positions) @ turn.T.astype(np.float32)
    vertices[:, 3:6] = head.tint
    away = place.astype(np.float32) - positions
    vertices[:, 6:] = (away / np.linalg.norm(away, axis=1, keepdims=True)) @ turn.T.astype(np.float32)
    pixels = np.empty((height, width, 3), np.uint8)
    distances = np.empty((height, width), np.float32)
    finishes = np.ascontiguousarray(np.concatenate([head.finishes, head.material_colours], axis=1))
    lights, tones = _lights(background), _tones()
    reach = max(1, round(height * _CREVICE_M / (2 * camera.distance_m * math.tan(math.radians(camera.field_deg) / 2))))
    _code()["shade"](
        seen.corners.ctypes.data, vertices.ctypes.data, head.all_triangles.ctypes.data, head.face_materials.ctypes.data,
        finishes.ctypes.data, lights.ctypes.data, len(_LAMPS), width, height, seen.depths.ctypes.data,
        seen.faces.ctypes.data, distances.ctypes.data, reach, tones.ctypes.data, pixels.ctypes.data,
    )  # fmt: skip
    return pixels


def _lights(background: Sequence[float]) -> NDArray[np.float32]:
    rows: list[Sequence[float]] = []
    for towards, colour in _LAMPS:
        rows += [tuple(np.asarray(towards) / np.linalg.norm(towards)), colour]
    return np.array([*rows, _ABOVE, _BELOW, linear(background), (_CREVICE_M, 0.0, 0.0)], np.float32)


@cache
def _tones() -> NDArray[np.uint8]:
    """uint8 ``[4096]``: light of 0..2 as sRGB; the brightest is rolled off, not cut."""
    light = (np.arange(4096) + 0.5) / 2047.5
    over = np.maximum(light - 0.8, 0)
    light = np.minimum(light, 0.8) + over / (1 + 2.5 * over)
    srgb = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * np.minimum(1, srgb)), np.uint8)
