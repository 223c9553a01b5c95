"""What a plot of a take needs, and no more: a few hundred numbers a line, however long the take.

A take is cut into 240 slices of time. Of the sound each slice keeps the smallest and the largest sample, of a curve the
largest value, so that a blink of 100 ms does not vanish between two points. It is kept for every take until the report
knows which are the worst, hence so small.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX
from koekao.takes.curves import CurveTrack
from koekao.takes.doctor.spans import Span

N_SLICES = 240
LANES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("jaw open", ("jawOpen",)),
    ("mouth close", ("mouthClose",)),
    ("funnel, pucker", ("mouthFunnel", "mouthPucker")),
    ("smile L, R", ("mouthSmileLeft", "mouthSmileRight")),
    ("blink L, R", ("eyeBlinkLeft", "eyeBlinkRight")),
)
"""The lanes under the waveform: label and the curves in it."""
SHOWN: tuple[str, ...] = tuple(name for _, curves in LANES for name in curves)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """One take in 240 slices.

    Attributes:
        axis: the time shown, from the earlier beginning of sound and curves to the later end.
        low, high: ``[240]`` float32, sound in [-1, 1]; nan beyond its ends; None without sound.
        curves: ``[8, 240]`` float32 in the order of :data:`SHOWN`; nan where no face was seen; None without curves.
    """

    axis: Span
    low: NDArray[np.float32] | None
    high: NDArray[np.float32] | None
    curves: NDArray[np.float32] | None


def trace(sound: NDArray[np.float32] | None, sample_rate_hz: int, track: CurveTrack | None) -> Trace:
    """Cut sound ``[n]`` float32 in [-1, 1] and curves into slices; either may be missing."""
    ends = [0.0] if sound is None else [len(sound) / sample_rate_hz]
    starts = [0.0]
    if track is not None:
        ends.append(float(track.time_s[-1]))
        starts.append(float(track.time_s[0]))
    axis = Span(min(starts), max(*ends, min(starts) + 1e-3))
    low, high = (None, None) if sound is None else _envelope(sound, sample_rate_hz, axis)
    return Trace(axis=axis, low=low, high=high, curves=None if track is None else _largest(track, axis))


def _envelope(sound: NDArray[np.float32], rate_hz: int, axis: Span) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    edges_s = axis.start_s + axis.length_s * np.arange(N_SLICES + 1) / N_SLICES
    edges = np.clip(np.rint(edges_s * rate_hz).astype(np.int64), 0, len(sound))
    low, high = np.full((2, N_SLICES), np.nan, np.float32)
    for i, (a, b) in enumerate(pairwise(edges)):
        if b > a:
            low[i], high[i] = sound[a:b].min(), sound[a:b].max()
    return low, high


def _largest(track: CurveTrack, axis: Span) -> NDArray[np.float32]:
    """The largest value in each slice; a slice without a row, where rows are neither lost nor untracked, lies between
    its neighbours."""
    values = track.values[:, [INDEX[name] for name in SHOWN]]
    time_s = track.time_s[track.tracked]
    values = values[track.tracked]
    largest = np.full((len(SHOWN), N_SLICES), -np.inf, np.float32)
    if not len(time_s):
        return np.full_like(largest, np.nan)
    at = np.minimum(((time_s - axis.start_s) / axis.length_s * N_SLICES).astype(np.int64), N_SLICES - 1)
    for lane, column in zip(largest, values.T):
        np.maximum.at(lane, at, column)
    centres_s = axis.start_s + axis.length_s * (np.arange(N_SLICES) + 0.5) / N_SLICES
    before = np.clip(np.searchsorted(time_s, centres_s) - 1, 0, max(0, len(time_s) - 2))
    after = np.minimum(before + 1, len(time_s) - 1)
    usual_s = 1.5 * track.median_step_s if len(track) > 1 else 0.0
    bridged = (time_s[after] - time_s[before] <= usual_s) & (time_s[before] <= centres_s) & (centres_s <= time_s[after])
    for lane, column in zip(largest, values.T):
        empty = np.isneginf(lane)
        lane[empty] = np.where(bridged, np.interp(centres_s, time_s, column), np.nan)[empty]
    return largest
