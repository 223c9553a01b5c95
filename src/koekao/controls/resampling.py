"""From one frame rate to another, on exact time: frame k of what comes out belongs to k / fps_out.

A position among the frames that go in is a fraction, counted in whole numbers, so nothing drifts. A stream of n frames
becomes the frames that begin before its end, n / fps.

- To a higher rate, or one within 5 %: a monotone cubic through the frames (Fritsch and Butland 1984). It never leaves
  the range of the two frames around it, so nothing passes 0 or 1, and it is flat where a curve turns: a closure stays
  one between the frames, where a straight line would open it at once. It looks 2 frames ahead.
- To a lower rate: a Hann-windowed sinc over 2 new frames on either side, which takes out what the new frames cannot
  hold (half is left at their half rate, a tenth at one and a half of that), limited to the values around. It looks 2
  new frames ahead.

Either may open lips that met for a frame. So where lips are closed in a frame that went in, and the nearest frame that
comes out would have them open, its mouth is that of the closed frame. A closure survives 60 to 24.

What it gives up: lips that open for less than a new frame between two closures may stay shut.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.controls.stage import MOUTH_SHAPE, Frames, Stage, State, as_frames, limited, no_frames, repeated
from koekao.lips import CLOSED_BELOW, lip_opening

FILTERS_FROM = Fraction(105, 100)
"""Frames in for a frame out from which on they are filtered."""
REACH = 2
"""New frames on either side that the filter looks at."""
CUTOFF = 1.0


class Resampling(Stage):
    """Frames of ``fps`` as frames of ``fps_out``."""

    name = "resampling"
    _kept: Frames | None
    _origin: int
    _next: int
    _n_in: int

    def __init__(self, fps: Fraction, fps_out: Fraction) -> None:
        self._step = fps / fps_out
        self._filters = self._step >= FILTERS_FROM
        self._reach = math.ceil(REACH * self._step) + 1 if self._filters else 2
        p, q = self._step.numerator, self._step.denominator
        ahead = Fraction(REACH * p - 1, q) if self._filters else 2 - Fraction(1, q)
        self.latency_s = ahead / fps
        self._taps = lru_cache(maxsize=2048)(self._taps_at)
        self.load_state_dict({})

    def push(self, frames: Frames) -> Frames:
        if not len(frames):
            return no_frames()
        before = repeated(frames[0], self._reach) if self._kept is None else self._kept
        self._n_in += len(frames)
        return self._until(np.concatenate([before, frames]), self._n_ready())

    def finish(self) -> Frames:
        if self._kept is None:
            return no_frames()
        window = np.concatenate([self._kept, repeated(self._kept[-1], self._reach + 1)])
        return self._until(window, math.ceil(self._n_in / self._step))

    def _n_ready(self) -> int:
        """How many frames can be made of the frames 0 .. n_in - 1."""
        p, q, last = self._step.numerator, self._step.denominator, self._n_in - 1
        if self._filters:  # frame k needs all before (k + REACH) * p / q
            return max(0, (last + 1) * q // p - REACH + 1)
        n = max(0, -(-(last - 1) * q // p))  # frame k between frames i and i + 1 needs i + 2
        while n * p // q <= last - (2 if n * p % q else 0):  # on a frame it needs that one alone
            n += 1
        return n

    def _until(self, window: Frames, end: int) -> Frames:
        """Frames ``next .. end - 1`` of a window that begins at frame ``origin``."""
        first, self._next = self._next, max(self._next, end)
        p, q = self._step.numerator, self._step.denominator
        positions = [divmod(k * p, q) for k in range(first, self._next)]
        made = no_frames()
        if positions:
            at = np.array([whole - self._origin for whole, _ in positions], np.int64)
            rest = [part for _, part in positions]
            made = self._filtered(window, at, rest) if self._filters else self._interpolated(window, at, rest)
            self._keep_closed(made, window, at, rest)
        forget = min(len(window) - 1, max(0, self._next * p // q - self._reach - self._origin))
        self._kept, self._origin = window[forget:].copy(), self._origin + forget
        return made

    def _interpolated(self, window: Frames, at: NDArray[np.int64], rest: list[int]) -> Frames:
        u = np.array([part / self._step.denominator for part in rest])[:, None]
        last = len(window) - 1
        y = [window[np.minimum(at + i, last)] for i in (-1, 0, 1, 2)]
        left, rise, right = y[1] - y[0], y[2] - y[1], y[3] - y[2]
        slope, next_slope = _slope(left, rise), _slope(rise, right)
        v = 1 - u
        between = v * v * (1 + 2 * u) * y[1] + u * u * (3 - 2 * u) * y[2] + u * v * (v * slope - u * next_slope)
        inside = limited(between, np.minimum(y[1], y[2]), np.maximum(y[1], y[2]))
        return np.where(u == 0, y[1], inside)

    def _filtered(self, window: Frames, at: NDArray[np.int64], rest: list[int]) -> Frames:
        weights = np.stack([self._taps(part) for part in rest])
        reach, near = self._reach, math.ceil(self._step)
        around = window[np.minimum(at[:, None] + np.arange(-reach, reach + 1), len(window) - 1)]
        total = weights[:, 0, None] * around[:, 0]
        for tap in range(1, 2 * reach + 1):
            total += weights[:, tap, None] * around[:, tap]
        close = around[:, reach - near + 1 : reach + near + 1]
        return limited(total, close.min(1), close.max(1))

    def _taps_at(self, part: int) -> NDArray[np.float64]:
        """The weights of the frames ``-reach .. reach`` around one, for a position that lies ``part / q`` after it."""
        away = (np.arange(-self._reach, self._reach + 1) - part / self._step.denominator) / float(self._step)
        inside = np.abs(away) < REACH - 1e-9
        weights = np.where(inside, np.sinc(CUTOFF * away) * (0.5 + 0.5 * np.cos(np.pi * away / REACH)), 0.0)
        scaled: NDArray[np.float64] = weights / weights.sum()
        return scaled

    def _keep_closed(self, made: Frames, window: Frames, at: NDArray[np.int64], rest: list[int]) -> None:
        """Give the frames that are open where the nearest frames in are closed the mouth of the most closed one."""
        opening = lip_opening(window)
        p, q = self._step.numerator, self._step.denominator
        if opening.min() > CLOSED_BELOW:
            return
        for i in np.flatnonzero(lip_opening(made) > CLOSED_BELOW).tolist():
            lowest, highest = -((p - 2 * rest[i]) // (2 * q)), (2 * rest[i] + p) // (2 * q)
            near = opening[at[i] + lowest : at[i] + highest + 1]
            if len(near) and near.min() <= CLOSED_BELOW:
                made[i, MOUTH_SHAPE] = window[at[i] + lowest + int(np.argmin(near)), MOUTH_SHAPE]

    def state_dict(self) -> dict[str, Any]:
        kept = None if self._kept is None else self._kept.copy()
        return {"kept": kept, "origin": self._origin, "next": self._next, "n_in": self._n_in}

    def load_state_dict(self, state: State) -> None:
        self._kept = as_frames(state.get("kept"))
        self._origin = int(state.get("origin", -self._reach))
        self._next, self._n_in = int(state.get("next", 0)), int(state.get("n_in", 0))


def _slope(before: Frames, after: Frames) -> Frames:
    """The slope at a frame: the harmonic mean of those on its sides, 0 where the curve turns."""
    product = before * after
    turns = product <= 0
    slope: Frames = np.where(turns, 0.0, 2 * product / np.where(turns, 1.0, before + after))
    return slope
