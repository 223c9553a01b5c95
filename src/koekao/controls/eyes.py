"""Small glances of both eyes together, and what rotation the eyes of a face have.

Eyes rest on a point and jump to the next: a saccade, over in 50 ms. Where and when is a function of (seed, time), one
jump in each slot of the mean interval, as in :mod:`koekao.controls.blinks`. Most glances are small: the product of two
chances. The motion is written into the eyeLook curves, as a change of where the face looks already.

``still`` glances only while the model's own eyes have been still for a second, and comes and goes within 0.3 s.

The pose is read from the curves that come out, whoever moved them, so that both say the same. On two captures of the
Live Link Face app (7,839 rows) rotation and curves go together with r = 0.995 to 0.999: 0.60 rad of yaw for
eyeLookOut - eyeLookIn, positive to the right of the face, and 0.55 rad of pitch for eyeLookDown - eyeLookUp.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX
from koekao.controls.keyed import KeyedChance
from koekao.controls.settings import EyeMotion
from koekao.controls.stage import Frames, Stage, State, eased, times_of
from koekao.controls.stillness import Stillness

YAW_RAD = 0.60
PITCH_RAD = 0.55
JUMP_S = 0.05
QUIET_S = 1.0
MOVED = 0.1
COMES_IN_S = 0.3
UP_AND_DOWN = 0.5
"""Pitch as a share of the amount."""

_PURPOSE = 2
_LOOKS = tuple(name for name in INDEX if name.startswith("eyeLook"))


def _at(*names: str) -> list[int]:
    return [INDEX[name] for name in names]


_TOWARDS = _at("eyeLookInLeft", "eyeLookOutRight", "eyeLookDownLeft", "eyeLookDownRight")
"""Both eyes to the right of the face (positive yaw), both eyes down (positive pitch)."""
_AWAY = _at("eyeLookOutLeft", "eyeLookInRight", "eyeLookUpLeft", "eyeLookUpRight")


class EyeStage(Stage):
    """Adds the glances."""

    name = "eyes"
    _next: int
    _weight: float

    def __init__(self, settings: EyeMotion, fps: Fraction, seed: int) -> None:
        self._settings, self._fps = settings, fps
        self._chance = KeyedChance(seed, _PURPOSE, 5)
        self._slot_s = sum(settings.every_s) / 2
        reach = math.radians(settings.amount_deg)
        self._reach = np.array([reach / YAW_RAD, UP_AND_DOWN * reach / PITCH_RAD])
        self._stillness = Stillness(_LOOKS, MOVED, QUIET_S * float(fps))
        self._last: tuple[tuple[int, int], tuple[NDArray[np.float64], NDArray[np.float64]]] | None = None
        self._most_change = 1 / (COMES_IN_S * float(fps))
        self.load_state_dict({})

    def push(self, frames: Frames) -> Frames:
        if not len(frames):
            return frames
        first, self._next = self._next, self._next + len(frames)
        gaze = self.gaze(times_of(first, len(frames), self._fps))
        if self._settings.when == "still":
            gaze *= self._comes_in(self._stillness.watch(frames))[:, None]
        out = frames.copy()
        _turn(out, gaze)
        return out

    def gaze(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the eyes look at times that do not fall: ``[T, 2]``, right and down, in units of the curves."""
        slot = (time_s / self._slot_s).astype(np.int64)
        begin = int(slot[0]) - 2
        jumps_s, aims = self._glances(begin, int(slot[-1]) - begin + 1)
        at = slot - begin
        at = np.where(jumps_s[at] <= time_s, at, at - 1)
        jumped = eased((time_s - jumps_s[at]) / JUMP_S)[:, None]
        looks: NDArray[np.float64] = aims[at - 1] + jumped * (aims[at] - aims[at - 1])
        return looks

    def _glances(self, begin: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """When the glances of slots ``begin .. begin + n - 1`` begin ``[n]``, and where to they go ``[n, 2]``."""
        if self._last is None or self._last[0] != (begin, n):
            rows, (shortest, longest) = self._chance.rows(begin, n), self._settings.every_s
            middle = (np.arange(begin, begin + n) + 0.5) * self._slot_s
            jumps_s = middle + (2 * rows[:, 0] - 1) * (longest - shortest) / 4
            aims = (2 * rows[:, 1:3] - 1) * rows[:, 3:5] * self._reach
            aims[: max(0, -begin)] = 0.0  # before the first glance the face looks where it looks
            self._last = (begin, n), (jumps_s, aims)
        return self._last[1]

    def _comes_in(self, still: NDArray[np.bool_]) -> NDArray[np.float64]:
        weight, weights = self._weight, np.empty(len(still))
        for i, is_still in enumerate(still.tolist()):
            weight = min(1.0, weight + self._most_change) if is_still else max(0.0, weight - self._most_change)
            weights[i] = weight
        self._weight = weight
        return weights

    def state_dict(self) -> dict[str, Any]:
        return {"next": self._next, "weight": self._weight, "stillness": self._stillness.state_dict()}

    def load_state_dict(self, state: State) -> None:
        self._next, self._weight = int(state.get("next", 0)), float(state.get("weight", 1.0))
        self._stillness.load_state_dict(state.get("stillness", {}))


def _turn(frames: Frames, gaze: NDArray[np.float64]) -> None:
    """Turn both eyes by ``gaze`` ``[T, 2]``, in place: first less of one way, then more of the other."""
    change = gaze[:, [0, 0, 1, 1]]
    towards, away = frames[:, _TOWARDS], frames[:, _AWAY]
    more, less = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    from_away, from_towards = np.minimum(away, more), np.minimum(towards, less)
    frames[:, _TOWARDS] = np.minimum(towards - from_towards + (more - from_away), 1.0)
    frames[:, _AWAY] = np.minimum(away - from_away + (less - from_towards), 1.0)


def eye_rotations(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yaw, pitch and roll of the left and the right eye of faces ``[T, 52]``: ``[T, 6]`` in radians."""
    look = curves[:, _TOWARDS] - curves[:, _AWAY]
    turned = np.zeros((len(curves), 2, 3))
    turned[:, :, 0] = YAW_RAD * look[:, :2]
    turned[:, :, 1] = PITCH_RAD * look[:, 2:]
    return turned.reshape(len(curves), 6)
