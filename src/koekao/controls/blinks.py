"""Blinks: both lids, every few seconds, as a function of (seed, time).

Time is cut into slots of the mean interval, one blink in each, moved from the middle by a chance of up to a quarter of
the range either way. So two blinks are as far apart as the settings say, at least and at most. A blink takes 150 to
200 ms: the lids stay shut for 1/24 s of it, so that every rate from 24 on has a frame of closed eyes; of the rest they
take 35 % to go down and, slower as people's do, 65 % to come up. Some come twice, the second less deep.

``still`` leaves out a blink that would begin within 2 s after any motion of the model's own lids. It does not look
ahead: where the model blinks while ours is on its way the lower lid wins, and the two are one longer blink. No latency.

What it gives up: real intervals are skewed, with now and then a very long one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX
from koekao.controls.keyed import KeyedChance
from koekao.controls.settings import Blinks
from koekao.controls.stage import Frames, Stage, State, eased, times_of
from koekao.controls.stillness import Stillness

SHUT_S = 1 / 24
SHORTEST_S, LONGEST_S = 0.15, 0.20
CLOSING_SHARE = 0.35
AGAIN_AFTER_S = 0.25
"""From the beginning of a blink to that of its second."""
QUIET_S = 2.0
MOVED = 0.2
"""The model's lids blink, or follow a glance, when they go farther than this."""

_PURPOSE = 1
_LIDS = ("eyeBlinkLeft", "eyeBlinkRight")
_COLUMNS = [INDEX[name] for name in _LIDS]


@dataclass(frozen=True, kw_only=True)
class Blink:
    """One blink, or two: ``(begins at s, takes s, how deep)`` each."""

    parts: tuple[tuple[float, float, float], ...]

    def lids(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the lids are down at ``time_s``, 0..1."""
        down = np.zeros(len(time_s))
        for begin_s, takes_s, depth in self.parts:
            closing_s = CLOSING_SHARE * (takes_s - SHUT_S)
            opening_s = takes_s - SHUT_S - closing_s
            since = time_s - begin_s
            lid = eased(since / closing_s) * (1 - eased((since - closing_s - SHUT_S) / opening_s))
            down = np.maximum(down, depth * lid)
        return down


class BlinkStage(Stage):
    """Adds the blinks."""

    name = "blinks"
    _next: int
    _decided: tuple[int, bool]
    _last: tuple[int, Blink] | None

    def __init__(self, settings: Blinks, fps: Fraction, seed: int) -> None:
        self._settings, self._fps = settings, fps
        self._chance = KeyedChance(seed, _PURPOSE, 5)
        self._stillness = Stillness(_LIDS, MOVED, QUIET_S * float(fps))
        self.load_state_dict({})

    def blink(self, slot: int) -> Blink:
        """The blink of a slot, whether or not it comes to pass."""
        shortest, longest = self._settings.every_s
        moved, takes, twice, takes_again, depth = self._chance.rows(slot, 1)[0].tolist()
        begin_s = (slot + 0.5) * (shortest + longest) / 2 + (2 * moved - 1) * (longest - shortest) / 4
        spread = LONGEST_S - SHORTEST_S
        parts = [(begin_s, SHORTEST_S + spread * takes, 1.0)]
        if twice < self._settings.double:
            parts.append((begin_s + AGAIN_AFTER_S, SHORTEST_S + spread * takes_again, 0.75 + 0.25 * depth))
        return Blink(parts=tuple(parts))

    def push(self, frames: Frames) -> Frames:
        if not len(frames):
            return frames
        first, self._next = self._next, self._next + len(frames)
        time_s = times_of(first, len(frames), self._fps)
        still = self._stillness.watch(frames)
        slot_s = sum(self._settings.every_s) / 2
        out = frames.copy()
        for slot in range(int(time_s[0] // slot_s), int(time_s[-1] // slot_s) + 1):
            blink = self._blink_of(slot)
            begins = _first_frame(blink.parts[0][0], self._fps)
            if first <= begins < self._next:
                comes = self._settings.when == "always" or bool(still[begins - first])
                self._decided = (slot, comes)
            if begins < self._next and self._decided == (slot, True):
                here = slice(max(0, begins - first), len(frames))
                lids = self._settings.amount * blink.lids(time_s[here])
                out[here, _COLUMNS] = np.maximum(out[here, _COLUMNS], lids[:, None])
        return out

    def _blink_of(self, slot: int) -> Blink:
        if self._last is None or self._last[0] != slot:
            self._last = slot, self.blink(slot)
        return self._last[1]

    def state_dict(self) -> dict[str, Any]:
        return {"next": self._next, "decided": list(self._decided), "stillness": self._stillness.state_dict()}

    def load_state_dict(self, state: State) -> None:
        slot, comes = state.get("decided", (-1, False))
        self._next, self._decided = int(state.get("next", 0)), (int(slot), bool(comes))
        self._stillness.load_state_dict(state.get("stillness", {}))
        self._last = None


def _first_frame(time_s: float, fps: Fraction) -> int:
    """The first frame at or after a time."""
    return math.ceil(Fraction(time_s) * fps)
