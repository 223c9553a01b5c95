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


_RIGHT = _at("eyeLookInLeft", "eyeLookOutRight")
"""Both eyes to the right of the face: positive yaw."""
_LEFT = _at("eyeLookOutLeft", "eyeLookInRight")
_DOWN = _at("eyeLookDownLeft", "eyeLookDownRight")
_UP = _at("eyeLookUpLeft", "eyeLookUpRight")


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
        _look(out, _LEFT, _RIGHT, gaze[:, :1])
        _look(out, _UP, _DOWN, gaze[:, 1:])
        return out

    def gaze(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the eyes look at times that do not fall: ``[T, 2]``, right and down, in units of the curves."""
        slot = (time_s / self._slot_s).astype(np.int64)
        begin = int(slot[0]) - 2
        rows = self._chance.rows(begin, int(slot[-1]) - begin + 1)
        every = self._settings.every_s
        middle = (np.arange(begin, begin + len(rows)) + 0.5) * self._slot_s
        jumps_s = middle + (2 * rows[:, 0] - 1) * (every[1] - every[0]) / 4
        aims = (2 * rows[:, 1:3] - 1) * rows[:, 3:5] * self._reach
        aims[: max(0, -begin)] = 0.0  # before the first glance the face looks where it looks
        at = slot - begin
        at = np.where(jumps_s[at] <= time_s, at, at - 1)
        jumped = eased((time_s - jumps_s[at]) / JUMP_S)[:, None]
        looks: NDArray[np.float64] = aims[at - 1] + jumped * (aims[at] - aims[at - 1])
        return looks

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


def _look(frames: Frames, one_way: list[int], other_way: list[int], change: NDArray[np.float64]) -> None:
    """Turn by ``change`` ``[T, 1]`` the other way: first less of the one way, then more of the other; in place."""
    for way, back, much in ((other_way, one_way, change), (one_way, other_way, -change)):
        much = np.maximum(much, 0.0)
        less = np.minimum(frames[:, back], much)
        frames[:, back] -= less
        frames[:, way] = np.minimum(frames[:, way] + (much - less), 1.0)


def eye_rotations(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yaw, pitch and roll of the left and the right eye of faces ``[T, 52]``: ``[T, 6]`` in radians."""
    turned = np.zeros((len(curves), 2, 3))
    turned[:, :, 0] = YAW_RAD * (curves[:, _RIGHT] - curves[:, _LEFT])
    turned[:, :, 1] = PITCH_RAD * (curves[:, _DOWN] - curves[:, _UP])
    return turned.reshape(len(curves), 6)
