"""A piece of the head before all pieces are joined: places, triangles, paint, and what the targets know vertices by.

Every piece is made for the subject's left (+X) and mirrored, so the head is symmetrical to the bit. ``marks`` holds a
number a vertex under a name (how far down the lower lip, how far a lid edge away ...): places alone cannot tell the
upper lip from the lower where they touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from koekao.head.colours import MATERIAL

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """``places`` ``[n, 3]`` (units of 10 cm), ``triangles`` ``[m, 3]``, ``materials`` ``[m]``, ``tint`` ``[n, 3]``."""

    name: str
    places: Floats
    triangles: Ints
    materials: Ints
    tint: Floats
    marks: Mapping[str, Floats] = field(default_factory=dict)
    mirror: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def n(self) -> int:
        return len(self.places)


def grid_quads(ids: Ints, *, closed: bool = False) -> Ints:
    """Quads of a grid of vertex numbers ``[rows, columns]``, seen from where rows run down and columns to the right."""
    if closed:
        ids = np.concatenate([ids, ids[:, :1]], axis=1)
    corners = ids[:-1, :-1], ids[1:, :-1], ids[1:, 1:], ids[:-1, 1:]
    return np.stack([corner.ravel() for corner in corners], axis=-1)


def part(
    name: str,
    places: Floats,
    quads: Ints,
    material: str | Ints,
    *,
    tint: Floats | None = None,
    marks: Mapping[str, Floats] | None = None,
) -> Part:
    """A part of quads whose corners run counterclockwise; two equal corners make a triangle of one.

    ``places`` ``[..., 3]`` and ``tint`` may be grids, vertices that no quad uses are dropped, and ``material`` is one
    name or a number a quad.
    """
    places = places.reshape(-1, 3)
    of_quad = np.full(len(quads), MATERIAL[material]) if isinstance(material, str) else material
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    a, b, c = triangles.T
    whole = (a != b) & (b != c) & (a != c)
    used, corners = np.unique(triangles[whole], return_inverse=True)
    tint = np.ones_like(places) if tint is None else tint.reshape(-1, 3)
    kept_marks = {mark: np.broadcast_to(values, len(places))[used] for mark, values in (marks or {}).items()}
    materials = np.concatenate([of_quad, of_quad])[whole]
    return Part(name, places[used], corners.reshape(-1, 3), materials, tint[used], kept_marks)


def mirrored(half: Part) -> Part:
    """Both halves of what was made for x >= 0; vertices with x = 0 are shared."""
    if (half.places[:, 0] < 0).any():
        raise ValueError(f"{half.name}: a vertex lies beyond the middle")
    off = np.flatnonzero(half.places[:, 0] > 0)
    twin = np.arange(half.n)
    twin[off] = half.n + np.arange(len(off))
    other = half.places[off] * (-1, 1, 1)
    return Part(
        half.name,
        np.concatenate([half.places, other]),
        np.concatenate([half.triangles, twin[half.triangles][:, [0, 2, 1]]]),
        np.concatenate([half.materials, half.materials]),
        np.concatenate([half.tint, half.tint[off]]),
        {name: np.concatenate([mark, mark[off]]) for name, mark in half.marks.items()},
        np.concatenate([twin, off]),
    )


def grid_of(places: Floats) -> Ints:
    """Vertex numbers of a grid of places ``[rows, columns, 3]``."""
    return np.asarray(np.arange(places[..., 0].size).reshape(places.shape[:2]))


def joined(parts: Sequence[Part]) -> tuple[Part, Mapping[str, slice]]:
    """All parts as one, and where in it each lies. A mark that a part does not have is 0 there."""
    starts = np.cumsum([0, *(each.n for each in parts)])
    names = sorted({name for each in parts for name in each.marks})
    whole = Part(
        "head",
        np.concatenate([each.places for each in parts]),
        np.concatenate([each.triangles + start for each, start in zip(parts, starts, strict=False)]),
        np.concatenate([each.materials for each in parts]),
        np.concatenate([each.tint for each in parts]),
        {name: np.concatenate([each.marks.get(name, np.zeros(each.n)) for each in parts]) for name in names},
        np.concatenate([each.mirror + start for each, start in zip(parts, starts, strict=False)]),
    )
    return whole, {each.name: slice(int(a), int(a) + each.n) for each, a in zip(parts, starts, strict=False)}
