"""How the skin is woven: rows and columns round the head, with rings let in round the left eye and the mouth.

Half a head (x >= 0). Where the eye and the mouth are, a rectangle of the weave is taken out and filled with rings: as
many places a ring as the rectangle's edge has, the outermost is that edge, the innermost the edge of the lids or the
line where the lips meet. Places are seen from the front (x, y) here; :mod:`koekao.head.skin` gives them depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koekao.head.part import grid_quads
from koekao.head.skull import skull, skull_under

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ANGLES = np.concatenate([[0, 1.75, 3.5, 5.2], np.linspace(6.9, 60, 10), [66, 73, 81, 90], np.linspace(103, 180, 7)])
_EYE_COLUMNS, _MOUTH_COLUMNS = (4, 13), 10
_HEIGHTS = np.concatenate([
    np.linspace(0.36, -0.29, 12), np.linspace(-0.29, -0.435, 6)[1:], np.linspace(-0.435, -0.83, 11)[1:],
    np.linspace(-0.83, -1.035, 6)[1:],
])  # fmt: skip
_ABOVE = np.concatenate([[0.0, 0.25, 0.6, 1.0, 1.5, 1.9], [2.15, 2.4, 2.62]])
_BELOW = np.array([7.65, 7.95, 8.3, 8.65, 9.0, 9.5, 10.0])


@dataclass(frozen=True)
class Sheet:
    """The weave. Rings run from the rectangle (0) inward.

    Attributes:
        angle, level: ``[n]`` place on the skull.
        xy: ``[n, 2]`` seen from the front.
        quads: ``[q, 4]``.
        eye_rings: ``[rings, around]`` vertex numbers, counterclockwise from the outer corner, closed.
        eye_turn: ``[around]`` radians, 0 at the outer corner, pi/2 at the top.
        mouth_rings: ``[rings, along]`` vertex numbers from the middle of the lower lip to that of the upper.
    """

    angle: Floats
    level: Floats
    xy: Floats
    quads: Ints
    eye_rings: Ints
    eye_turn: Floats
    mouth_rings: Ints


def levels() -> Floats:
    """The level of each row."""
    fine = np.linspace(2.0, 8.0, 4001)
    y = skull(np.zeros_like(fine), fine)[:, 1]
    rows = np.interp(-_HEIGHTS, -y, fine)
    return np.concatenate([_ABOVE, rows, _BELOW])


def weave(
    eye_edges: Callable[[Floats], Floats], mouth_edges: Callable[[Floats], Floats], *, n_free: tuple[int, int]
) -> Sheet:
    """The sheet whose inner rings are given.

    Args:
        eye_edges: turn ``[around]`` (radians, 0 outer corner, pi/2 top) -> xy ``[rings, around, 2]``, outermost first.
        mouth_edges: turn ``[along]`` (0 middle of the lower lip, pi of the upper) -> xy ``[rings, along, 2]``.
        n_free: rings between the rectangle and the given rings, of eye and mouth.
    """
    level = levels()
    ids = np.arange(len(level) * len(ANGLES)).reshape(len(level), len(ANGLES))
    ids[0] = ids[0, 0]  # the crown is one vertex
    angles, lev = np.broadcast_arrays(ANGLES, level[:, None])
    first = len(_ABOVE)
    eye = _loop(ids, first, first + 11, *_EYE_COLUMNS)
    mouth = _path(ids, first + 16, first + 26, _MOUTH_COLUMNS)
    xy = [skull(angles, lev).reshape(-1, 3)[:, :2]]
    grid = grid_quads(ids)
    taken = np.zeros(ids.shape, bool)
    taken[first : first + 11, _EYE_COLUMNS[0] : _EYE_COLUMNS[1]] = True
    taken[first + 16 : first + 26, :_MOUTH_COLUMNS] = True
    quads = [grid[~taken[:-1, :-1].ravel()]]
    rings, given, turns = [], [], []
    for edge, make, free, closed in ((eye, eye_edges, n_free[0], True), (mouth, mouth_edges, n_free[1], False)):
        outer = xy[0][edge]
        turns.append(_turns(outer, closed=closed))
        inner = make(turns[-1])
        step = (np.arange(1, free + 1) / (free + 1))[:, None, None]
        between = outer + step * (inner[0] - outer)
        start = sum(map(len, xy))
        places = np.concatenate([between, inner])
        numbers = start + np.arange(places[..., 0].size).reshape(places.shape[:2])
        xy.append(places.reshape(-1, 2))
        ring = np.concatenate([edge[None], numbers])
        rings.append(ring)
        given.append(ring[free + 1 :].ravel())
        quads.append(grid_quads(ring[:, ::-1], closed=True) if closed else grid_quads(ring.T))
    flat = np.concatenate(xy)
    fixed = np.zeros(len(flat), bool)
    fixed[np.concatenate(given)] = True
    row, column = np.divmod(np.arange(ids.size), len(ANGLES))
    fixed[: ids.size] |= (column > 14) | (row < first - 2) | (row > first + 29)
    flat, used, number = _relaxed(flat, np.concatenate(quads), fixed)
    angle, lev = angles.ravel(), lev.ravel()
    extra = len(flat) - ids.size
    angle, lev = np.concatenate([angle, np.zeros(extra)]), np.concatenate([lev, np.zeros(extra)])
    front = np.concatenate([~((column > 14) | (row < first - 2) | (row > first + 29)), np.ones(extra, bool)])
    front &= used
    angle[front], lev[front] = skull_under(*flat[front].T)
    quads_kept = number[np.concatenate(quads)]
    return Sheet(angle[used], lev[used], flat[used], quads_kept, number[rings[0]], turns[0], number[rings[1]])


def _loop(ids: Ints, top: int, bottom: int, left: int, right: int) -> Ints:
    """The edge of a rectangle of the weave, counterclockwise from the middle of the outer (right) side."""
    up = ids[top : bottom + 1, right][::-1]
    edge = np.concatenate([up, ids[top, left:right][::-1], ids[top + 1 : bottom + 1, left], ids[bottom, left + 1 : right]])
    return np.roll(edge, -((bottom - top) // 2))


def _path(ids: Ints, top: int, bottom: int, right: int) -> Ints:
    """The edge of a rectangle that begins at the middle line, from the middle below to the middle above."""
    return np.concatenate([ids[bottom, :right], ids[top : bottom + 1, right][::-1], ids[top, :right][::-1]])


def _turns(edge: Floats, *, closed: bool) -> Floats:
    """The turn of each place of a rectangle's edge: halfway between even steps and where it lies."""
    n = len(edge)
    if not closed:
        return np.linspace(0, np.pi, n)
    middle = (edge.min(axis=0) + edge.max(axis=0)) / 2
    size = np.ptp(edge, axis=0) / 2
    across = (edge - middle) / size
    seen = np.unwrap(np.arctan2(across[:, 1], across[:, 0]))
    even = 2 * np.pi * np.arange(n) / n
    return 0.5 * (seen - 2 * np.pi * np.round((seen[0]) / (2 * np.pi))) + 0.5 * even


def _relaxed(xy: Floats, quads: Ints, fixed: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_], Ints]:
    """Free places drawn to the middle of their neighbours; which vertices are used, and their new numbers."""
    pairs = np.concatenate([quads[:, [0, 1]], quads[:, [1, 2]], quads[:, [2, 3]], quads[:, [3, 0]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    used = np.zeros(len(xy), bool)
    used[pairs.ravel()] = True
    degree = np.bincount(pairs[:, 0], minlength=len(xy))
    middle = xy[:, 0] == 0
    free = ~fixed & used
    xy = xy.copy()
    for _ in range(40):
        for axis in range(2):
            mean = np.bincount(pairs[:, 0], xy[pairs[:, 1], axis], minlength=len(xy)) / np.maximum(degree, 1)
            moves = free & ~middle if axis == 0 else free
            xy[moves, axis] += 0.5 * (mean - xy[:, axis])[moves]
    return xy, used, np.cumsum(used) - 1
