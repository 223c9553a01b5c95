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
Bools = NDArray[np.bool_]

ANGLES = np.concatenate([[0, 1.75, 3.5, 5.2], np.linspace(6.9, 60, 10), [66, 73, 81, 90], np.linspace(103, 180, 7)])
_ABOVE = np.array([0.0, 0.25, 0.6, 1.0, 1.5, 1.9, 2.15, 2.4, 2.62])  # levels of the rows above the face
_HEIGHTS = np.concatenate([  # heights of the rows of the face, where they cross its middle
    np.linspace(0.36, -0.29, 12), np.linspace(-0.29, -0.435, 6)[1:], np.linspace(-0.435, -0.83, 11)[1:],
    np.linspace(-0.83, -1.035, 6)[1:],
])  # fmt: skip
_BELOW = np.array([7.65, 7.95, 8.3, 8.65, 9.0, 9.5, 10.0])
_FIRST = len(_ABOVE)
_EYE = (_FIRST, _FIRST + 11, 4, 13)  # rows from, to, columns from, to
_MOUTH = (_FIRST + 16, _FIRST + 26, 0, 10)
_FACE_ROWS, _FACE_COLUMNS = (_FIRST - 2, _FIRST + 29), 14  # what may be moved to make room


@dataclass(frozen=True)
class Sheet:
    """The weave. Rings run from the rectangle inward.

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


def weave(
    eye_edges: Callable[[Floats], Floats], mouth_edges: Callable[[Floats], Floats], *, n_free: tuple[int, int]
) -> Sheet:
    """The sheet whose inner rings are given.

    Args:
        eye_edges: turn ``[around]`` (radians, 0 outer corner, pi/2 top) -> xy ``[rings, around, 2]``, outermost first.
        mouth_edges: turn ``[along]`` (0 middle of the lower lip, pi of the upper) -> xy ``[rings, along, 2]``.
        n_free: rings between the rectangle and the given rings, of eye and mouth.
    """
    level = np.concatenate([_ABOVE, _face_levels(), _BELOW])
    ids = np.arange(len(level) * len(ANGLES)).reshape(len(level), len(ANGLES))
    ids[0] = ids[0, 0]  # the crown is one vertex
    angles, levels = (grid.ravel().copy() for grid in np.broadcast_arrays(ANGLES, level[:, None]))
    grid_xy = skull(angles, levels)[:, :2]
    eye, mouth = _loop(ids, *_EYE), _path(ids, *_MOUTH)
    eye_turn = _turns(grid_xy[eye])
    eye_xy = _with_free(grid_xy[eye], eye_edges(eye_turn), n_free[0])
    mouth_xy = _with_free(grid_xy[mouth], mouth_edges(np.linspace(0, np.pi, len(mouth))), n_free[1])
    eye_rings, mouth_rings = (
        _numbered(eye, eye_xy, ids.size),
        _numbered(mouth, mouth_xy, ids.size + eye_xy[..., 0].size),
    )
    xy = np.concatenate([grid_xy, eye_xy.reshape(-1, 2), mouth_xy.reshape(-1, 2)])
    quads = np.concatenate([_outside(ids), grid_quads(eye_rings[:, ::-1], closed=True), grid_quads(mouth_rings.T)])

    row, column = np.divmod(np.arange(ids.size), len(ANGLES))
    face = np.ones(len(xy), bool)
    face[: ids.size] = (column <= _FACE_COLUMNS) & (row >= _FACE_ROWS[0]) & (row <= _FACE_ROWS[1])
    free = face.copy()
    free[eye_rings[n_free[0] + 1 :]] = free[mouth_rings[n_free[1] + 1 :]] = False
    used = np.zeros(len(xy), bool)
    used[quads] = True
    xy = _relaxed(xy, quads, free & used)
    extra = np.zeros(len(xy) - ids.size)
    angles, levels = np.concatenate([angles, extra]), np.concatenate([levels, extra])
    angles[face & used], levels[face & used] = skull_under(*xy[face & used].T)
    number = np.cumsum(used) - 1
    return Sheet(
        angles[used], levels[used], xy[used], number[quads], number[eye_rings], eye_turn, number[mouth_rings]
    )  # fmt: skip


def _face_levels() -> Floats:
    """The level of each row of the face."""
    fine = np.linspace(2.0, 8.0, 4001)
    return np.asarray(np.interp(-_HEIGHTS, -skull(np.zeros_like(fine), fine)[:, 1], fine))


def _loop(ids: Ints, top: int, bottom: int, left: int, right: int) -> Ints:
    """The edge of a rectangle of the weave, counterclockwise from the middle of the outer (right) side."""
    up, back = ids[top : bottom + 1, right][::-1], ids[top, left:right][::-1]
    edge = np.concatenate([up, back, ids[top + 1 : bottom + 1, left], ids[bottom, left + 1 : right]])
    return np.roll(edge, -((bottom - top) // 2))


def _path(ids: Ints, top: int, bottom: int, left: int, right: int) -> Ints:
    """The edge of a rectangle that begins at the middle line, from the middle below to the middle above."""
    return np.concatenate([ids[bottom, left:right], ids[top : bottom + 1, right][::-1], ids[top, left:right][::-1]])


def _outside(ids: Ints) -> Ints:
    """Quads of the weave without those of the two rectangles."""
    taken = np.zeros((len(ids) - 1, ids.shape[1] - 1), bool)
    for top, bottom, left, right in (_EYE, _MOUTH):
        taken[top:bottom, left:right] = True
    return grid_quads(ids)[~taken.ravel()]


def _turns(edge: Floats) -> Floats:
    """The turn of each place of a rectangle's edge: halfway between even steps and where it lies."""
    across = (edge - (edge.min(axis=0) + edge.max(axis=0)) / 2) / (np.ptp(edge, axis=0) / 2)
    seen = np.unwrap(np.arctan2(across[:, 1], across[:, 0]))
    return np.asarray((seen + 2 * np.pi * np.arange(len(edge)) / len(edge)) / 2)


def _with_free(edge: Floats, inner: Floats, n_free: int) -> Floats:
    """xy of the rings inside an edge: evenly spaced ones up to the given ones, and these."""
    step = (np.arange(1, n_free + 1) / (n_free + 1))[:, None, None]
    return np.concatenate([edge + step * (inner[0] - edge), inner])


def _numbered(edge: Ints, rings: Floats, start: int) -> Ints:
    return np.concatenate([edge[None], start + np.arange(rings[..., 0].size).reshape(rings.shape[:2])])


def _relaxed(xy: Floats, quads: Ints, free: Bools) -> Floats:
    """Free places drawn to the middle of their neighbours; what lies on the middle line stays on it."""
    pairs = np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)])
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    here, there = np.concatenate([pairs, pairs[:, ::-1]]).T
    degree = np.maximum(np.bincount(here, minlength=len(xy)), 1)
    moves = np.stack([free & (xy[:, 0] != 0), free])
    xy = xy.copy()
    for _ in range(40):
        for axis in range(2):
            mean = np.bincount(here, xy[there, axis], minlength=len(xy)) / degree
            xy[moves[axis], axis] += 0.5 * (mean - xy[:, axis])[moves[axis]]
    return xy
