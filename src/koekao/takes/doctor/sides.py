"""Left and right of a face: how unlike they are, and whether their names agree with each other.

Names of sides get lost where columns are read by position: Live Link Face's CSV has ``JawRight`` before ``JawLeft`` and
its UDP packets the other way round. Three things that a face cannot help doing show it:

- both eyes look the same way: ``eyeLookInLeft`` goes with ``eyeLookOutRight``, not with ``eyeLookOutLeft``;
- a jaw that moves to the left takes the mouth with it;
- a mouth that moves to the left stretches its right corner.

Each is a number that is positive on a face whose names agree; two phone recordings of range-of-motion exercises (one
face) gave 1.12 and 1.14, 0.83 and 0.85, 0.95 and 0.94. Where one of the curves stands still there is no number.

What it gives up: a face that is mirrored as a whole contradicts itself nowhere, and nothing in the curves can show it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, MIRROR, MOVING_RANGE, NAMES

_NO_MIRRORED_MOTION = frozenset(
    {"jawLeft", "mouthLeft", "eyeLookInLeft", "eyeLookOutLeft"}
)  # these move to one side: that the other stands still says nothing
PAIRS: tuple[tuple[str, str], ...] = tuple(
    (name, NAMES[MIRROR[i]])
    for i, name in enumerate(NAMES)
    if name.endswith("Left") and name not in _NO_MIRRORED_MOTION
)
"""The curves of which a face has one on each side, (left, right), in canonical order."""

ONE_SIDE_SHARE = 0.1
"""A side that covers less than this share of the other's range counts as still. Faces are uneven by tens of percent,
but a half that does not take part is paralysed, or its column was lost."""
ONE_SIDE_RANGE = 3 * MOVING_RANGE
"""Range of the side that moves, from which on it is asked where the other one is."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What was found of left and right.

    Attributes:
        asymmetry: left curve -> (mean of left - mean of right) / the larger range of the two, for pairs that move.
        still_sides: curves that stand still while their mirror image moves.
        eyes: mean correlation of eyeLookIn with the other eye's eyeLookOut, less that with its own; None where an eye
            does not look about.
        jaw: correlation of jaw and mouth moving sideways; None where one of them does not.
        corners: correlation of the mouth moving to one side with the stretch of the other corner; None likewise.
    """

    asymmetry: dict[str, float]
    still_sides: tuple[str, ...]
    eyes: float | None
    jaw: float | None
    corners: float | None


def compare_sides(values: NDArray[np.float32]) -> Sides:
    """Compare the sides of ``values`` ``[n, 52]`` float32, canonical order, tracked rows only."""
    if not len(values):
        return Sides(asymmetry={}, still_sides=(), eyes=None, jaw=None, corners=None)
    span = np.ptp(values, axis=0)
    means = values.mean(axis=0, dtype=np.float64)
    asymmetry, still = {}, []
    for pair in PAIRS:
        left, right = (INDEX[name] for name in pair)
        wider = float(max(span[left], span[right]))
        if wider > MOVING_RANGE:
            asymmetry[pair[0]] = float(means[left] - means[right]) / wider
        if wider > ONE_SIDE_RANGE:
            still += [name for name in pair if span[INDEX[name]] < ONE_SIDE_SHARE * wider]
    mouth = _sideways(values, "mouth")
    stretch = _sideways(values, "mouthStretch")
    return Sides(
        asymmetry=asymmetry,
        still_sides=tuple(still),
        eyes=_eyes(values, span),
        jaw=_together(_sideways(values, "jaw"), mouth),
        corners=_together(mouth, -stretch),
    )


def _sideways(values: NDArray[np.float32], stem: str) -> NDArray[np.float64]:
    return values[:, INDEX[stem + "Left"]].astype(np.float64) - values[:, INDEX[stem + "Right"]]


def _eyes(values: NDArray[np.float32], span: NDArray[np.float32]) -> float | None:
    names = ("eyeLookInLeft", "eyeLookOutRight", "eyeLookInRight", "eyeLookOutLeft")
    columns = [INDEX[name] for name in names]
    if (span[columns] <= MOVING_RANGE).any():
        return None
    r = np.asarray(np.corrcoef(values[:, columns].T.astype(np.float64)))
    return float((r[0, 1] + r[2, 3]) / 2 - (r[0, 3] + r[2, 1]) / 2)


def _together(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Correlation of two movements to a side; None where one covers less than twice the range of what counts as
    moving, so that a face at rest has no sides that contradict each other."""
    if min(np.ptp(one), np.ptp(other)) <= 2 * MOVING_RANGE:
        return None
    return float(np.corrcoef(one, other)[0, 1])
