"""The skin at rest: the skull with sockets, lids, nose, cheeks, lips, chin, and the inside of the mouth behind the lips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koekao.head.colours import MATERIAL, linear
from koekao.head.curve import bump, dome, smooth, spline
from koekao.head.features import EYE, EYE_RADIUS, MOUTH_HALF, MOUTH_Y, eye_direction, lid_turn, lip_line, lip_place
from koekao.head.part import Part, grid_quads, mirrored, part
from koekao.head.sheet import Sheet, weave
from koekao.head.skull import skull, skull_under

Floats = NDArray[np.float64]

_LASH = 0.013
_LID_OFFSETS = (0.100, 0.068, 0.040, _LASH, 0.0)
_RIMS = (2.0, 1.45, 1.15, 1.0, 0.78, 0.5, 0.22, 0.0)
_FREE = (3, 4)
LID_RADIUS = 1.075 * EYE_RADIUS
_ROUND_TO = 0.74
_MARGIN_RADIUS = 1.012 * EYE_RADIUS


def skin() -> Part:
    """Skin, lips, lash lines and the inside of the mouth, one surface."""
    sheet = weave(_lid_rings, _lip_rings, n_free=_FREE)
    marks = _marks(sheet)
    places = sculpted(skull(sheet.angle, sheet.level))
    places[:, 0] = np.where(sheet.xy[:, 0] == 0, 0.0, places[:, 0])
    places[sheet.angle >= 180, 0] = 0.0
    places = _lids(places, sheet)
    places = _lips(places, sheet)
    material = _materials(sheet)
    quads = [sheet.quads]
    places, quads, material, marks = _behind_lids(places, quads, material, marks, sheet)
    places, quads, material, marks = _behind_lips(places, quads, material, marks, sheet)
    half = part("skin", places, np.concatenate(quads), np.concatenate(material), tint=_tint(places, marks), marks=marks)
    return mirrored(half)


def _lid_rings(turn: Floats) -> Floats:
    sideways, up = lid_turn(turn)
    edge = EYE[:2] + LID_RADIUS * eye_direction(sideways, up)[..., :2]
    across = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    wide = np.where(across[:, :1] < 0, (0.45, 1.0), 1.0)
    lash = 0.003 + 0.014 * smooth(-0.1, 0.5, across[:, 1:]) * (1 + 0.25 * across[:, :1])
    return np.stack([edge + np.where(out == _LASH, lash, out) * across * wide for out in _LID_OFFSETS])


def _lip_rings(turn: Floats) -> Floats:
    return np.stack([lip_place(turn, rim) for rim in _RIMS])


def _marks(sheet: Sheet) -> dict[str, Floats]:
    n = len(sheet.xy)
    marks = {name: np.zeros(n) for name in ("lid", "lid_up", "lid_out", "lip", "lip_down", "lip_far", "rim", "inner")}
    rings = len(sheet.eye_rings)
    for k in range(1, rings):
        from_edge = rings - 1 - k
        marks["lid"][sheet.eye_rings[k]] = (1.0, 0.985, 0.86, 0.62, 0.36, 0.16, 0.05, 0.0)[min(from_edge, 7)]
        marks["lid_up"][sheet.eye_rings[k]] = np.sin(sheet.eye_turn)
        marks["lid_out"][sheet.eye_rings[k]] = np.cos(sheet.eye_turn)
    edge = sheet.xy[sheet.mouth_rings[-len(_RIMS) + _RIMS.index(1.0)]]
    marks["lip_far"] = np.linalg.norm(sheet.xy[:, None] - edge, axis=-1).min(axis=1)
    marks["lip_far"][sheet.mouth_rings[-len(_RIMS) + _RIMS.index(1.0) :]] = 0.0
    rings, along = sheet.mouth_rings.shape
    turn = np.linspace(0, np.pi, along)
    rim = np.concatenate([np.full(1 + _FREE[1], np.nan), _RIMS])
    for k in range(rings):
        marks["lip_down"][sheet.mouth_rings[k]] = np.where(np.isclose(turn, np.pi / 2), 0.0, np.cos(turn))
        marks["lip"][sheet.mouth_rings[k]] = k / (1 + _FREE[1]) if k <= _FREE[1] else 1.0
        marks["rim"][sheet.mouth_rings[k]] = 3.0 if np.isnan(rim[k]) else rim[k]
    return marks


def sculpted(p: Floats) -> Floats:
    """The skull with the face's broad forms; front only (z > 0)."""
    p = p.copy()
    x, y = p[:, 0], p[:, 1]
    front = smooth(-0.05, 0.35, p[:, 2])
    z = np.zeros(len(p))
    z -= 0.20 * bump(x, 0.40, 0.20) * bump(y, 0.02, np.where(y > 0.02, 0.15, 0.115))  # socket
    z += 0.045 * bump(x, 0.36, 0.24) * bump(y, 0.28, 0.085)  # brow
    z += 0.085 * bump(x, 0.45, 0.18) * bump(y, -0.34, 0.15)  # cheek
    z += 0.050 * bump(x, 0.0, 0.25) * bump(y, MOUTH_Y, 0.17)  # muzzle
    z += 0.080 * bump(x, 0.0, 0.15) * bump(y, -0.95, 0.10)  # chin
    z -= 0.030 * bump(x, 0.0, 0.16) * bump(y, -0.785, 0.045)
    z -= 0.012 * bump(x, 0.0, 0.030) * bump(y, -0.48, 0.05)  # philtrum
    p[:, 2] += z * front
    p[:, 0] += 0.03 * bump(y, -0.25, 0.2) * bump(x, 0.62, 0.15) * front
    return _nose(p, front)


def face_depth(x: Floats, y: Floats) -> Floats:
    """z of the broad face seen from the front at x >= 0 and y."""
    angle, level = skull_under(x, y)
    return sculpted(skull(angle, level))[:, 2]


def _nose(p: Floats, front: Floats) -> Floats:
    x, y = p[:, 0].copy(), p[:, 1].copy()
    knots = (-0.60, -0.48, -0.42, -0.385, -0.35, -0.30, -0.25, -0.19, -0.10, 0.0, 0.10, 0.2, 0.35)
    ridge = spline(knots, (0, 0, 0.0, 0.030, 0.115, 0.20, 0.215, 0.17, 0.105, 0.06, 0.04, 0.02, 0.0), np.clip(y, -0.6, 0.35))
    wide = np.interp(y, (-0.45, -0.33, -0.25, -0.12, 0.05, 0.3), (0.10, 0.098, 0.088, 0.065, 0.07, 0.1))
    p[:, 2] += np.maximum(ridge, 0) * np.exp(-0.5 * (np.abs(x) / wide) ** 2.2) * front
    p[:, 2] += 0.060 * bump(x, 0.125, 0.052) * bump(y, -0.325, 0.055) * front  # wings
    p[:, 1] -= 0.020 * bump(y, -0.365, 0.040) * bump(x, 0.0, 0.13) * front
    nostril = bump(x, 0.074, 0.024) * bump(y, -0.372, 0.020)
    p[:, 2] -= 0.05 * nostril * front
    p[:, 1] += 0.03 * nostril * front
    return p


def _lids(p: Floats, sheet: Sheet) -> Floats:
    """Skin near the eye lies over the eyeball, and runs into the face where that is nearer."""
    rings = sheet.eye_rings[1:]
    away = np.linalg.norm(p[rings][..., :2] - EYE[:2], axis=-1) / LID_RADIUS
    turns = np.minimum(away, _ROUND_TO)
    steep = _ROUND_TO / np.sqrt(1 - _ROUND_TO**2)
    ball = EYE[2] + LID_RADIUS * (np.sqrt(1 - turns**2) - steep * (away - turns))  # a sphere that runs out as a cone
    face = p[rings][..., 2]
    k = 0.05
    blended = k * np.logaddexp(ball / k, face / k)
    near = np.clip(np.arange(len(rings)) - (len(rings) - 4), 0, 3) / 3
    p[rings, 2] = blended + (ball - blended) * near[:, None] ** 0.7
    return p


def _lips(p: Floats, sheet: Sheet) -> Floats:
    """The roll of the lips."""
    rings = sheet.mouth_rings[-len(_RIMS) :]
    turn = np.linspace(0, np.pi, rings.shape[1])
    full = np.abs(np.cos(turn)) ** 0.7
    for rim, ring in zip(_RIMS, rings, strict=True):
        upper = spline((-0.1, 0, 0.22, 0.5, 0.78, 1.0, 1.15, 1.45, 2.1), (0.0, 0.012, 0.046, 0.06, 0.048, 0.018, 0.006, 0, 0), rim)
        lower = spline((-0.1, 0, 0.22, 0.5, 0.78, 1.0, 1.15, 1.45, 2.1), (0.0, 0.012, 0.054, 0.072, 0.055, 0.012, -0.004, 0, 0), rim)
        down = smooth(-0.25, 0.25, np.cos(turn))
        p[ring, 2] += full * (upper + down * (lower - upper))
        p[ring, 2] -= 0.022 * np.sin(turn) ** 12 * bump(rim, 0, 0.9)
    return p


def _materials(sheet: Sheet) -> list[NDArray[np.int64]]:
    material = np.full(len(sheet.quads), MATERIAL["skin"])
    n = len(sheet.xy)
    lip, lash = np.zeros(n, bool), np.zeros(n, bool)
    rings = sheet.eye_rings[-2:]
    lash[rings] = np.sin(sheet.eye_turn) > -0.15
    material[lash[sheet.quads].all(axis=1)] = MATERIAL["lashes"]
    lip[sheet.mouth_rings[-len(_RIMS) + 3 :]] = True
    material[lip[sheet.quads].all(axis=1)] = MATERIAL["lips"]
    return [material]


def _grown(places: Floats, marks: dict[str, Floats], ring: NDArray[np.int64], new: Floats, **values: object):
    """Vertices ``new`` added that take the marks of ``ring`` unless told otherwise."""
    start = len(places)
    grown = {}
    for name, mark in marks.items():
        extra = mark[ring]
        if name in values:
            extra = np.broadcast_to(np.asarray(values[name], float), ring.shape)
        grown[name] = np.concatenate([mark, extra])
    return np.concatenate([places, new]), grown, start + np.arange(len(ring))


def _behind_lids(places, quads, material, marks, sheet):
    """The lids' margin: from their edge back to the eyeball, and a little behind it."""
    ring = sheet.eye_rings[-1]
    sideways, up = _angles(places[ring])
    for radius, wider in ((_MARGIN_RADIUS, 0.0), (0.94 * EYE_RADIUS, 0.0)):
        new = EYE + radius * eye_direction(sideways * (1 + wider), up * (1 + 1.5 * wider))
        places, marks, numbers = _grown(places, marks, sheet.eye_rings[-1], new)
        quads.append(grid_quads(np.stack([ring, numbers])[:, ::-1], closed=True))
        upper = marks["lid_up"][ring][::-1]
        lash = (upper > -0.15) & (np.roll(upper, -1) > -0.15)
        material.append(np.where(lash, MATERIAL["lashes"], MATERIAL["skin"]))
        ring = numbers
    return places, quads, material, marks


def _angles(places: Floats) -> tuple[Floats, Floats]:
    away = (places - EYE) / np.linalg.norm(places - EYE, axis=-1, keepdims=True)
    return np.arctan2(away[..., 0], away[..., 2]), np.arcsin(away[..., 1])


_BAG = (  # how far behind the lip line, how far up or down, how wide
    (0.045, 0.012, 0.99), (0.10, 0.05, 1.0), (0.15, 0.125, 1.06), (0.24, 0.19, 1.16), (0.42, 0.22, 1.12), (0.62, 0.19, 0.9),
    (0.80, 0.08, 0.5),
)  # fmt: skip


def _behind_lips(places, quads, material, marks, sheet):
    """The inside of the lips and the bag of the mouth."""
    ring = first = sheet.mouth_rings[-1]
    turn = np.linspace(0, np.pi, len(ring))
    start = places[ring]
    high = np.abs(np.cos(turn)) ** 0.6 * -np.sign(np.cos(turn))
    high[np.isclose(turn, np.pi / 2)] = 0.0
    for i, (back, up, wide) in enumerate(_BAG):
        new = start.copy()
        new[:, 2] -= back
        new[:, 1] = start[:, 1] * (1 - min(1, back / 0.3)) + (MOUTH_Y + 0.02) * min(1, back / 0.3) + up * high
        new[:, 0] = start[:, 0] * wide
        places, marks, numbers = _grown(places, marks, first, new, inner=(i + 1) / len(_BAG), rim=-(i + 1.0))
        quads.append(grid_quads(np.stack([ring, numbers]).T))
        material.append(np.full(len(ring) - 1, MATERIAL["lips" if i == 0 else "mouth_inside"]))
        ring = numbers
    half = len(ring) // 2
    zip_ = np.stack([ring[: half + 1], ring[::-1][: half + 1]])
    quads.append(grid_quads(zip_))
    material.append(np.full(half, MATERIAL["mouth_inside"]))
    return places, quads, material, marks


def _tint(p: Floats, marks: dict[str, Floats]) -> Floats:
    """What the base colours are multiplied by: blush, lips that fade into skin, dark nostrils and throat."""
    x, y, z = p.T
    front = smooth(0.2, 0.5, z)
    tint = np.ones((len(p), 3))

    def paint(weight: Floats, colour: tuple[float, float, float]) -> None:
        tint[:] *= 1 + np.clip(weight, 0, 1)[:, None] * (np.asarray(colour) - 1)

    paint(0.55 * front * dome(p, (0.50, -0.30), (0.15, 0.11)), (1.0, 0.70, 0.66))
    paint(0.40 * front * dome(p, (0.0, -0.29), (0.10, 0.06)), (1.0, 0.78, 0.74))
    paint(0.25 * front * dome(p, (0.42, 0.16), (0.16, 0.07)), (0.95, 0.78, 0.74))
    rim = marks["rim"]
    on_lip = np.where((marks["lip"] >= 1) & (marks["inner"] == 0), smooth(1.12, 0.86, rim), 0.0)
    on_lip = np.where(marks["inner"] > 0, 1.0, on_lip)
    lip = linear((0.83, 0.53, 0.50)) / linear((0.94, 0.76, 0.66))
    paint(np.where(marks["inner"] > 0.2, 0, on_lip), tuple(lip))
    nostril = bump(x, 0.074, 0.019) * bump(y, -0.362, 0.016)
    paint(0.8 * nostril, (0.3, 0.15, 0.15))
    deep = smooth(0.15, 0.9, marks["inner"])
    paint(deep, (0.25, 0.2, 0.2))
    return tint
