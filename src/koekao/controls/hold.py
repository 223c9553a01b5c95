"""Mouth shapes that are reached stay for a while, so that they are seen: the least hold, in ms.

Of the opening of the lips (:mod:`koekao.lips`), frame by frame and without latency:

- A *closure* is reached when lips that were open (0.10) come to be closed (0.05). From that frame on, until ``hold_ms``
  are over, the mouth is the most closed face since then: lips that part earlier stay shut until the time is over.
- A *peak* is the widest face since the mouth was last 0.05 less open than it. From its frame on it stays until
  ``hold_ms`` are over, unless a wider face follows, which is the peak then.

"Until" is exact: the frames at less than ``hold_ms`` after the one that reached the shape. Then the mouth goes over to
the face of the moment in 50 ms. Only jaw and mouth are held. A closure wins over a peak, and a peak gives way in time:
once the mouth is less than half as open as the peak it falls towards the moment's face, and has let go where the lips
meet. So a hold makes no closure late.

What it gives up: what a held shape covers is not made up for. A syllable shorter than the hold is flattened by it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from koekao.arkit import N_CURVES
from koekao.controls.stage import MOUTH_SHAPE, Frames, Stage, State
from koekao.lips import CLOSED_BELOW, OPEN_ABOVE, lip_opening

RELEASE_MS = 50
RISE = 0.05
"""A mouth that opens by less than this is on no way to another peak."""
_LONG_AGO = 1 << 40


class Hold(Stage):
    """Keeps closures and peaks of the mouth."""

    name = "hold"
    _was_open: bool
    _since_closure: int
    _closest: Frames
    _closest_opening: float
    _is_rising: bool
    _since_peak: int
    _widest: Frames
    _widest_opening: float
    _lowest: float

    def __init__(self, hold_ms: float, fps: Fraction) -> None:
        self._hold_ms, self._frame_ms = float(hold_ms), float(1000 / fps)
        self.load_state_dict({})

    def push(self, frames: Frames) -> Frames:
        out = frames.copy()
        for i, opening in enumerate(lip_opening(frames).tolist()):
            mouth = frames[i, MOUTH_SHAPE]
            self._watch_closure(mouth, opening)
            self._watch_peak(mouth, opening)
            peak, closure = self._peak_weight(opening), self._left(self._since_closure)
            if peak > 0:
                mouth = (1 - peak) * mouth + peak * self._widest
            if closure > 0:
                mouth = (1 - closure) * mouth + closure * self._closest
            if peak > 0 or closure > 0:
                out[i, MOUTH_SHAPE] = mouth
        return out

    def _watch_closure(self, mouth: Frames, opening: float) -> None:
        self._since_closure += 1
        is_reached = self._was_open and opening <= CLOSED_BELOW
        is_held = self._left(self._since_closure) == 1
        if opening > OPEN_ABOVE or is_reached:
            self._was_open = not is_reached
        if is_reached:
            self._since_closure = 0
        if (is_reached and not is_held) or (self._left(self._since_closure) == 1 and opening < self._closest_opening):
            self._closest, self._closest_opening = mouth.copy(), opening

    def _watch_peak(self, mouth: Frames, opening: float) -> None:
        """Rising: every wider face is the peak. Else the mouth must first rise from the lowest since."""
        self._since_peak += 1
        self._lowest = min(self._lowest, opening)
        if not self._is_rising and opening >= self._lowest + RISE and self._left(self._since_peak) == 0:
            self._is_rising, self._widest_opening = True, OPEN_ABOVE
        if opening > self._widest_opening and (self._is_rising or self._left(self._since_peak) > 0):
            self._widest, self._widest_opening, self._since_peak = mouth.copy(), opening, 0
            self._lowest, self._is_rising = opening, True
        elif opening < self._widest_opening - RISE:
            self._is_rising = False

    def _left(self, since: int) -> float:
        """How much of a shape reached ``since`` frames ago is left: 1 while it is held, then falling to 0."""
        over_ms = since * self._frame_ms - self._hold_ms
        return 1.0 if over_ms < -1e-6 else max(0.0, 1 - (over_ms + self._frame_ms) / (RELEASE_MS + self._frame_ms))

    def _peak_weight(self, opening: float) -> float:
        left = self._left(self._since_peak)
        if left == 0:
            return 0.0
        share = (opening - CLOSED_BELOW) / (self._widest_opening - CLOSED_BELOW)
        return min(left, max(0.0, 2 * share))

    def state_dict(self) -> dict[str, Any]:
        return {
            "was_open": self._was_open,
            "since_closure": self._since_closure,
            "closest": self._closest.copy(),
            "closest_opening": self._closest_opening,
            "is_rising": self._is_rising,
            "since_peak": self._since_peak,
            "widest": self._widest.copy(),
            "widest_opening": self._widest_opening,
            "lowest": self._lowest,
        }

    def load_state_dict(self, state: State) -> None:
        still = np.zeros(N_CURVES)[MOUTH_SHAPE]
        self._was_open = bool(state.get("was_open", False))
        self._since_closure = int(state.get("since_closure", _LONG_AGO))
        self._closest = np.array(state.get("closest", still), np.float64)
        self._closest_opening = float(state.get("closest_opening", 0.0))
        self._is_rising = bool(state.get("is_rising", False))
        self._since_peak = int(state.get("since_peak", _LONG_AGO))
        self._widest = np.array(state.get("widest", still), np.float64)
        self._widest_opening = float(state.get("widest_opening", OPEN_ABOVE))
        self._lowest = float(state.get("lowest", OPEN_ABOVE))
