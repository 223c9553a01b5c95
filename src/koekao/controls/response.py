"""Gain, offset and response of each curve: ``gain * response(x) + offset``, limited to [0, 1].

A response is a monotone cubic through points (Fritsch and Butland 1984, scipy's PCHIP), so it rises where they rise and
never overshoots. All curves are looked up at once in one table, padded to the longest response: fifty curves with a
response each cost no more than one.
"""

from __future__ import annotations

import numpy as np

from koekao.arkit import NAMES, REGIONS
from koekao.controls.settings import Adjustment, ControlSettings
from koekao.controls.stage import Frames, Stage, limited

_NEUTRAL = Adjustment(gain=1.0, offset=0.0)


class Response(Stage):
    """The adjustments of settings that have any. No memory."""

    name = "response"

    def __init__(self, settings: ControlSettings) -> None:
        each = [adjustment_of(name, settings) for name in NAMES]
        self._gain = np.array([one.gain for one in each], np.float64)
        self._offset = np.array([one.offset for one in each], np.float64)
        self._curved = np.flatnonzero([one.response is not None for one in each])
        responses = [one.response for one in each if one.response is not None]
        self._starts, self._cubics = _table(responses) if responses else (np.zeros((0, 0)), np.zeros((0, 0, 0)))

    def push(self, frames: Frames) -> Frames:
        x = frames
        if len(self._curved):
            x = frames.copy()
            x[:, self._curved] = self._looked_up(frames[:, self._curved])
        return limited(self._gain * x + self._offset)

    def _looked_up(self, x: Frames) -> Frames:
        """The responses of the curves that have one: ``[T, n]``."""
        piece = np.zeros(x.shape, np.int64)
        for starts in self._starts[1:]:
            piece += x >= starts
        column = np.arange(x.shape[1])
        a, b, c, d = (coefficient[piece, column] for coefficient in self._cubics)
        u = x - self._starts[piece, column]
        y: Frames = ((a * u + b) * u + c) * u + d
        return y


def adjustment_of(name: str, settings: ControlSettings) -> Adjustment:
    """What is done to a curve: its own, else its region's, else nothing; gain and offset always said."""
    region = next(region for region, names in REGIONS.items() if name in names)
    layers = (settings.curves.get(name), settings.regions.get(region), _NEUTRAL)
    said = {
        what: next((value for one in layers if one and (value := getattr(one, what)) is not None), None)
        for what in ("gain", "offset", "response")
    }
    return Adjustment(**said)


def is_neutral(settings: ControlSettings) -> bool:
    """Whether no curve is adjusted."""
    return all(adjustment_of(name, settings) == _NEUTRAL for name in NAMES)


def _table(responses: list[tuple[tuple[float, float], ...]]) -> tuple[Frames, Frames]:
    """Where the pieces of each response start ``[P, n]`` (inf: there are no more), and their cubics ``[4, P, n]``."""
    from scipy.interpolate import PchipInterpolator  # takes a quarter of a second: only for those who have responses

    n_pieces = max(map(len, responses)) - 1
    starts = np.full((n_pieces, len(responses)), np.inf)
    cubics = np.zeros((4, n_pieces, len(responses)))
    for i, points in enumerate(responses):
        x, y = np.array(points).T
        starts[: len(x) - 1, i] = x[:-1]
        cubics[:, : len(x) - 1, i] = PchipInterpolator(x, y).c
    return starts, cubics
