"""The skin at rest, from the crown to the collar and through the lips into the mouth: one surface without a gap.

What the targets know its vertices by (marks): ``lid`` 1 on the edge of a lid, less away from it; ``lid_up`` and
``lid_out``, sine and cosine of the turn round the eye; ``lip`` 1 on the lips, less away from them; ``lip_down`` cosine
of the turn round the mouth (1 lower, -1 upper); ``lip_far``, distance from the edge of the lips; ``rim`` 1 on that
edge, 0 where the lips meet; ``inner`` from there (0) to the throat (1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from koekao.head.colours import LIP, MATERIAL, MATERIALS, linear
from koekao.head.curve import bump, dome, smooth, spline
from koekao.head.features import EYE, EYE_RADIUS, MOUTH_Y, eye_direction, lid_turn, lip_place
from koekao.head.part import Part, grid_quads, mirrored, part
from koekao.head.sculpture import sculpted
from koekao.head.sheet import Sheet, weave
from koekao.head.skull import skull

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LASH = 0.013
_LID_OFFSETS = (0.100, 0.068, 0.040, _LASH, 0.0)  # of the rings round the eye from the lids' edge
_LID_FOLLOWS = (1.0, 0.985, 0.86, 0.62, 0.36, 0.16, 0.05, 0.0)  # how much each ring follows a lid, the edge first
_RIMS = (2.0, 1.45, 1.15, 1.0, 0.78, 0.5, 0.22, 0.0)
_FREE = (3, 4)
_LID_RADIUS = 1.075 * EYE_RADIUS
_ROUND_TO = 0.74  # of the lids' radius: farther out, the bulge of the eye runs out as a cone
_MARGIN_RADII = (1.012 * EYE_RADIUS, 0.94 * EYE_RADIUS)
_BAG = (  # how far behind the lip line, how far up or down, how wide
    (0.045, 0.012, 0.99), (0.10, 0.05, 1.0), (0.15, 0.125, 1.06), (0.24, 0.19, 1.16), (0.42, 0.22, 1.12),
    (0.62, 0.19, 0.9), (0.80, 0.08, 0.5),
)  # fmt: skip


def skin() -> Part:
    """Skin, lips, lash lines and the inside of the mouth."""
    sheet = weave(_lid_rings, _lip_rings, n_free=_FREE)
    places = sculpted(skull(sheet.angle, sheet.level))
    places[sheet.xy[:, 0] == 0, 0] = 0.0
    _lids(places, sheet)
    _lips(places, sheet)
    surface = _Surface(places, _marks(sheet))
    surface.add(sheet.quads, _materials(sheet))
    _behind_lids(surface, sheet)
    _behind_lips(surface, sheet)
    return mirrored(surface.part())


@dataclass
class _Surface:
    """The left half while it grows ring by ring."""

    places: Floats
    marks: dict[str, Floats]
    quads: list[Ints] = field(default_factory=list)
    materials: list[Ints] = field(default_factory=list)

    def add(self, quads: Ints, materials: ArrayLike) -> None:
        self.quads.append(quads)
        self.materials.append(np.broadcast_to(np.asarray(materials, np.int64), len(quads)))

    def grow(self, like: Ints, places: Floats, **marks: float) -> Ints:
        """Numbers of new vertices, which are marked as those of the ring ``like`` unless told otherwise."""
        for name, mark in self.marks.items():
            self.marks[name] = np.concatenate([mark, np.full(len(like), marks[name]) if name in marks else mark[like]])
        self.places = np.concatenate([self.places, places])
        return np.arange(len(self.places) - len(places), len(self.places))

    def part(self) -> Part:
        tint = _tint(self.places, self.marks)
        quads, materials = np.concatenate(self.quads), np.concatenate(self.materials)
        return part("skin", self.places, quads, materials, tint=tint, marks=self.marks)


def _lid_rings(turn: Floats) -> Floats:
    edge = EYE[:2] + _LID_RADIUS * eye_direction(*lid_turn(turn))[..., :2]
    across = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    wide = np.where(across[:, :1] < 0, (0.45, 1.0), 1.0)
    lash = 0.003 + 0.014 * smooth(-0.1, 0.5, across[:, 1:]) * (1 + 0.25 * across[:, :1])
    return np.stack([edge + np.where(out == _LASH, lash, out) * across * wide for out in _LID_OFFSETS])


def _lip_rings(turn: Floats) -> Floats:
    return np.stack([lip_place(turn, rim) for rim in _RIMS])


def _lip_turn(sheet: Sheet) -> Floats:
    return np.linspace(0, np.pi, sheet.mouth_rings.shape[1])


def _cosine(turn: Floats) -> Floats:
    """Cosine that is 0 to the bit at the corner of the mouth."""
    return np.where(np.isclose(turn, np.pi / 2), 0.0, np.cos(turn))


def _marks(sheet: Sheet) -> dict[str, Floats]:
    names = ("lid", "lid_up", "lid_out", "lip", "lip_down", "lip_far", "rim", "inner")
    marks = {name: np.zeros(len(sheet.xy)) for name in names}
    for follows, ring in zip(_LID_FOLLOWS, sheet.eye_rings[:0:-1], strict=True):
        marks["lid"][ring] = follows
        marks["lid_up"][ring], marks["lid_out"][ring] = np.sin(sheet.eye_turn), np.cos(sheet.eye_turn)
    n_outside = 1 + _FREE[1]
    edge = sheet.mouth_rings[n_outside + _RIMS.index(1.0) :]
    marks["lip_far"] = np.linalg.norm(sheet.xy[:, None] - sheet.xy[edge[0]], axis=-1).min(axis=1)
    marks["lip_far"][edge] = 0.0
    for k, ring in enumerate(sheet.mouth_rings):
        marks["lip"][ring] = min(1.0, k / n_outside)
        marks["lip_down"][ring] = _cosine(_lip_turn(sheet))
        marks["rim"][ring] = 3.0 if k < n_outside else _RIMS[k - n_outside]
    return marks


def _lids(places: Floats, sheet: Sheet) -> None:
    """Skin near the eye lies over the eyeball, and runs into the face where that is nearer."""
    rings = sheet.eye_rings[1:]
    away = np.linalg.norm(places[rings][..., :2] - EYE[:2], axis=-1) / _LID_RADIUS
    turns = np.minimum(away, _ROUND_TO)
    steep = _ROUND_TO / np.sqrt(1 - _ROUND_TO**2)
    ball = EYE[2] + _LID_RADIUS * (np.sqrt(1 - turns**2) - steep * (away - turns))
    soft = 0.05
    blended = soft * np.logaddexp(ball / soft, places[rings][..., 2] / soft)
    near = (np.clip(np.arange(len(rings)) - (len(rings) - 4), 0, 3) / 3)[:, None] ** 0.7
    places[rings, 2] = blended + (ball - blended) * near


def _lips(places: Floats, sheet: Sheet) -> None:
    """The roll of the lips, by the distance from where they meet."""
    turn = _lip_turn(sheet)
    full, lower = np.abs(np.cos(turn)) ** 0.7, smooth(-0.25, 0.25, np.cos(turn))
    knots = (-0.1, 0, 0.22, 0.5, 0.78, 1.0, 1.15, 1.45, 2.1)
    for rim, ring in zip(_RIMS, sheet.mouth_rings[-len(_RIMS) :], strict=True):
        above = spline(knots, (0.0, 0.012, 0.046, 0.06, 0.048, 0.018, 0.006, 0, 0), rim)
        below = spline(knots, (0.0, 0.012, 0.054, 0.072, 0.055, 0.012, -0.004, 0, 0), rim)
        places[ring, 2] += full * (above + lower * (below - above)) - 0.022 * np.sin(turn) ** 12 * bump(rim, 0, 0.9)


def _materials(sheet: Sheet) -> Ints:
    """Lips inside the edge of the lips, lashes on the upper lid's edge, skin everywhere else."""
    material = np.full(len(sheet.quads), MATERIAL["skin"])
    lash, lip = np.zeros((2, len(sheet.xy)), bool)
    lash[sheet.eye_rings[-2:]] = np.sin(sheet.eye_turn) > -0.05
    lip[sheet.mouth_rings[-len(_RIMS) + _RIMS.index(1.0) :]] = True
    material[lash[sheet.quads].all(axis=1)] = MATERIAL["lashes"]
    material[lip[sheet.quads].all(axis=1)] = MATERIAL["lips"]
    return material


def _behind_lids(surface: _Surface, sheet: Sheet) -> None:
    """The lids' margin: from their edge back to the eyeball, and a little into it."""
    edge = ring = sheet.eye_rings[-1]
    upper = surface.marks["lid_up"][edge][::-1] > 0.2
    lash = np.where(upper & np.roll(upper, -1), MATERIAL["lashes"], MATERIAL["skin"])
    away = surface.places[edge] - EYE
    for radius in _MARGIN_RADII:
        new = surface.grow(edge, EYE + radius * away / np.linalg.norm(away, axis=-1, keepdims=True))
        surface.add(grid_quads(np.stack([ring, new])[:, ::-1], closed=True), lash)
        ring = new


def _behind_lips(surface: _Surface, sheet: Sheet) -> None:
    """The inside of the lips and the bag of the mouth, zipped up at the throat."""
    edge = ring = sheet.mouth_rings[-1]
    down = _cosine(_lip_turn(sheet))
    start, high = surface.places[edge], -np.sign(down) * np.abs(down) ** 0.6
    for i, (back, up, wide) in enumerate(_BAG):
        far = min(1, back / 0.3)
        y = start[:, 1] * (1 - far) + (MOUTH_Y + 0.02) * far + up * high
        places = np.stack([start[:, 0] * wide, y, start[:, 2] - back], axis=-1)
        new = surface.grow(edge, places, inner=(i + 1) / len(_BAG), rim=-(i + 1.0))
        surface.add(grid_quads(np.stack([ring, new]).T), MATERIAL["lips" if i == 0 else "mouth_inside"])
        ring = new
    half = len(ring) // 2 + 1
    surface.add(grid_quads(np.stack([ring[:half], ring[::-1][:half]]).T), MATERIAL["mouth_inside"])


def _tint(p: Floats, marks: dict[str, Floats]) -> Floats:
    """What the base colours are multiplied by: blush, lips that fade into skin, dark nostrils and throat."""
    x, y, z = p.T
    front, tint = smooth(0.2, 0.5, z), np.ones((len(p), 3))

    def paint(weight: Floats, colour: ArrayLike) -> None:
        tint[:] *= 1 + np.clip(weight, 0, 1)[:, None] * (np.asarray(colour, float) - 1)

    paint(0.55 * front * dome(p, (0.50, -0.30), (0.15, 0.11)), (1.0, 0.70, 0.66))
    paint(0.40 * front * dome(p, (0.0, -0.29), (0.10, 0.06)), (1.0, 0.78, 0.74))
    paint(0.25 * front * dome(p, (0.42, 0.16), (0.16, 0.07)), (0.95, 0.78, 0.74))
    paint(0.8 * bump(x, 0.074, 0.019) * bump(y, -0.362, 0.016), (0.3, 0.15, 0.15))
    on_lip = np.where(marks["lip"] >= 1, smooth(1.12, 0.86, marks["rim"]), 0.0)
    on_lip = np.where(marks["inner"] > 0.2, 0.0, on_lip)
    paint(on_lip, linear(LIP) / linear(MATERIALS[MATERIAL["lips"]].colour))
    paint(smooth(0.15, 0.9, marks["inner"]), (0.25, 0.2, 0.2))
    return np.minimum(tint, 1.0)
