"""Smoothing by region, with a time constant in ms that means the same at every frame rate.

Two ways. ``zero``, the default, weighs past and future alike, exp(-abs(t) / tau): the one-pole filter run forward and
backward, cut off where 5 % is left. A mouth that is smoothed so stays with its sound, which is what whoever
animates to a voice expects; the price is that the stream looks 3 tau ahead, and says so as latency. ``causal`` is the
one-pole alone: no latency, and motion that lags by about tau, which 20 ms of brows can bear and 60 ms of lips cannot.

What it gives up: lips that touch for a frame touch less when they are smoothed. Give the mouth little of it, or let
:mod:`koekao.controls.lip_press`, which comes after, shut them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from koekao.arkit import N_CURVES, NAMES, REGIONS
from koekao.controls.settings import Smoothing
from koekao.controls.stage import Around, Frames, Stage, State, as_frames, no_frames

_REACH = 3.0
"""Time constants on either side that ``zero`` looks at."""


def smoothing_stages(settings: Smoothing, fps: Fraction) -> Iterator[Stage]:
    """The stage that these settings ask for, or none."""
    tau_s = np.zeros(N_CURVES)
    for region, names in REGIONS.items():
        tau_s[[name in names for name in NAMES]] = settings.of(region) / 1000
    if tau_s.any():
        yield ZeroPhase(tau_s, fps) if settings.phase == "zero" else Causal(tau_s, fps)


class ZeroPhase(Around):
    """exp(-abs(t) / tau) around each frame; all curves wait for the longest of them."""

    name = "smoothing"

    def __init__(self, tau_s: Frames, fps: Fraction) -> None:
        reach = math.ceil(_REACH * float(tau_s.max() * float(fps)) - 1e-9)
        super().__init__(reach, reach, fps)
        frames_away = np.arange(reach + 1)[:, None]
        with np.errstate(divide="ignore"):
            decay = np.where(tau_s > 0, 1 / (tau_s * float(fps)), np.inf)
        own_reach = np.ceil(_REACH * tau_s * float(fps) - 1e-9)
        weights = np.zeros((reach + 1, N_CURVES))
        weights[0] = 1.0
        weights[1:] = np.where(frames_away[1:] <= own_reach, np.exp(-frames_away[1:] * decay), 0.0)
        self._weights = weights / (weights[0] + 2 * weights[1:].sum(0))

    def across(self, window: Frames, n: int) -> Frames:
        middle = self.past
        total: Frames = self._weights[0] * window[middle : middle + n]
        for away, weight in enumerate(self._weights[1:], 1):
            before, after = window[middle - away : middle - away + n], window[middle + away : middle + away + n]
            total += weight * (before + after)
        return total


class Causal(Stage):
    """y = a * y_before + (1 - a) * x with a = exp(-1 / (tau * fps)); the first frame passes as it is."""

    name = "smoothing"

    def __init__(self, tau_s: Frames, fps: Fraction) -> None:
        with np.errstate(divide="ignore"):
            self._past_weight = np.where(tau_s > 0, np.exp(-1 / (tau_s * float(fps))), 0.0)
        self._before: Frames | None = None

    def push(self, frames: Frames) -> Frames:
        if not len(frames):
            return no_frames()
        smooth = (1 - self._past_weight) * frames
        past = frames[0] if self._before is None else self._before
        for frame in smooth:
            frame += self._past_weight * past
            past = frame
        self._before = past.copy()
        return smooth

    def state_dict(self) -> dict[str, Any]:
        return {"before": None if self._before is None else self._before.copy()}

    def load_state_dict(self, state: State) -> None:
        self._before = as_frames(state.get("before"))
