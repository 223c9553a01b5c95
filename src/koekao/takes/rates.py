"""A track of curves brought to a frame rate: on time, never by row number, saying which frames it may not fill.

Two methods. ``linear`` draws a line between the two rows around a frame: exact where a row is, nothing invented, but
motion faster than half the frame rate folds down when there are more rows than frames. ``cubic`` draws a monotone cubic
(no overshoot between rows: lips that touch stay touching), and where there are more rows than frames it takes out first
what the frames cannot hold, with a windowed sinc. Whether a frame is valid depends on the rows, not on the method.

What it gives up: the sinc's ripples are cut off at the smallest and largest row near a frame, so a face that jumps is a
little less band-limited than a loudspeaker would like.

Sources: Fritsch and Butland, "A method for constructing local monotone piecewise cubic interpolants" (1984), which is
scipy's PchipInterpolator; Hann-windowed sinc as in any text on decimation.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.clock import parse_fps
from koekao.errors import ConfigError
from koekao.takes.curves import GAP_STEPS, CurveTrack

GRID_TOLERANCE_S = 0.0005 + 1e-9
"""A row this near to a frame is that frame: timestamps are written with three to six decimals, so rounding moves them
by up to half a millisecond (and the binary representation by a little more)."""

METHODS = ("linear", "cubic")

_MORE_ROWS_THAN_FRAMES = 1.05
"""From this ratio of rows to frames on ``cubic`` filters; phones that call 30.004 rows a second 30 need no filter."""
_REACH_FRAMES = 4
"""Frames on either side that the filter looks at."""
_CUTOFF = 0.9
"""Where the filter is down to half, as a share of half the frame rate."""
_BLOCK_FRAMES = 4096


def frame_times(fps: Fraction, n_frames: int) -> NDArray[np.float64]:
    """When frames 0..n_frames-1 start, in seconds: each k/fps rounded once."""
    return np.arange(n_frames, dtype=np.int64) * fps.denominator / fps.numerator


def is_on_grid(track: CurveTrack, fps: Fraction) -> bool:
    """Whether the rows are the frames of ``fps``: all tracked, each within 0.5 ms of its own frame, none left out."""
    frames = np.rint(track.time_s * float(fps))
    near = np.abs(frames * fps.denominator / fps.numerator - track.time_s) <= GRID_TOLERANCE_S
    return bool(near.all() and track.tracked.all() and (np.diff(frames) == 1).all())


def is_filtered(track: CurveTrack, fps: Fraction, method: str) -> bool:
    """Whether :func:`on_frames` takes fast motion out before it samples: ``cubic``, and more rows than frames."""
    return method == "cubic" and track.rate_hz > _MORE_ROWS_THAN_FRAMES * float(fps)  # nan: a single row is not


def on_frames(
    track: CurveTrack, fps: Fraction, n_frames: int, *, max_gap_s: float = 0.1, method: str = "linear"
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Bring a track to the frames k/fps, k = 0..n_frames-1, by interpolation in time of the tracked rows.

    A row within 0.5 ms of a frame is taken as it is, so a track that is on the grid already comes back bit-equal; only
    a ``cubic`` that filters takes none as it is. A frame is valid where such a row is, or where the two tracked rows
    around it are no farther apart than the larger of ``max_gap_s`` and 1.5 median steps. Up to half a frame before the
    first and after the last tracked row that row is held and valid; farther out it is held and invalid. Without any
    tracked row everything is 0 and invalid.

    Args:
        track: rows at their own times.
        fps: frames a second wanted.
        n_frames: how many frames, from time 0.
        max_gap_s: the longest stretch without tracked rows that is bridged as valid.
        method: one of :data:`METHODS`.

    Returns:
        curves ``[n_frames, 52]`` float32 and valid ``[n_frames]`` bool.

    Raises:
        ConfigError: ``n_frames`` or ``max_gap_s`` is negative, ``fps`` is no frame rate, or no such method.
    """
    fps = parse_fps(fps)
    if n_frames < 0 or not max_gap_s >= 0:
        raise ConfigError(f"{n_frames} frames, gaps of {max_gap_s} s", expected="no negative numbers")
    if method not in METHODS:
        raise ConfigError(f"method {method!r}", expected="one of " + ", ".join(METHODS))
    time_s, values = track.time_s[track.tracked], track.values[track.tracked]
    if not len(time_s):
        return np.zeros((n_frames, N_CURVES), np.float32), np.zeros(n_frames, np.bool_)
    wanted_s = frame_times(fps, n_frames)
    left, right = _rows_around(time_s, wanted_s)
    span_s = time_s[right] - time_s[left]
    # nan (a single row) compares as false and leaves max_gap_s.
    longest_s = max(max_gap_s, GAP_STEPS * track.median_step_s if len(track) > 1 else 0.0)
    reach_s = float(1 / (2 * fps)) + 1e-9
    valid = np.where(span_s == 0, np.abs(wanted_s - time_s[left]) <= reach_s, span_s <= longest_s + 1e-9)
    if method == "linear" or len(time_s) < 2:
        held = span_s == 0
        weight = np.where(held, 0.0, (wanted_s - time_s[left]) / np.where(held, 1.0, span_s))[:, None]
        return (values[left] * (1 - weight) + values[right] * weight).astype(np.float32), valid
    if is_filtered(track, fps, method):
        return _filtered(time_s, values, fps, n_frames, rows_per_frame=track.rate_hz / float(fps)), valid
    curves = _monotone(time_s, values, wanted_s).astype(np.float32)
    on_row = span_s == 0
    curves[on_row] = values[left[on_row]]
    return curves, valid


def _rows_around(
    time_s: NDArray[np.float64], wanted_s: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows before and after each wanted time; the same one twice where a row is there, or beyond the ends."""
    before = np.searchsorted(time_s, wanted_s, side="right") - 1
    left, right = (np.clip(before + i, 0, len(time_s) - 1) for i in (0, 1))
    nearest = np.where(wanted_s - time_s[left] <= time_s[right] - wanted_s, left, right)
    on_row = np.abs(wanted_s - time_s[nearest]) <= GRID_TOLERANCE_S
    return np.where(on_row, nearest, left), np.where(on_row, nearest, right)


def _monotone(
    time_s: NDArray[np.float64], values: NDArray[np.float32], wanted_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The monotone cubic through the rows; the first and last are held."""
    from scipy.interpolate import PchipInterpolator  # takes a quarter of a second: not for those who only plan

    cubic = PchipInterpolator(time_s, values.astype(np.float64), axis=0)
    found: NDArray[np.float64] = cubic(np.clip(wanted_s, time_s[0], time_s[-1]))
    return found


def _filtered(
    time_s: NDArray[np.float64], values: NDArray[np.float32], fps: Fraction, n_frames: int, *, rows_per_frame: float
) -> NDArray[np.float32]:
    """The monotone cubic, low-passed, at the frames; inside the range of the rows within a frame of each."""
    fine = 2 * int(np.ceil(rows_per_frame))
    around = np.arange(-_REACH_FRAMES * fine, _REACH_FRAMES * fine + 1)
    weights = np.sinc(_CUTOFF * around / fine) * np.hanning(len(around) + 2)[1:-1]
    weights /= weights.sum()
    out = np.empty((n_frames, N_CURVES), np.float32)
    for first in range(0, n_frames, _BLOCK_FRAMES):
        n = min(_BLOCK_FRAMES, n_frames - first)
        steps = np.arange(first * fine + around[0], (first + n - 1) * fine + around[-1] + 1)
        points = _monotone(time_s, values, steps * fps.denominator / (fps.numerator * fine))
        near = range((_REACH_FRAMES - 1) * fine, (_REACH_FRAMES + 1) * fine + 1)
        taps = [points[i : i + (n - 1) * fine + 1 : fine] for i in range(len(around))]
        smooth = sum((weight * tap for weight, tap in zip(weights, taps)), np.zeros((n, N_CURVES)))
        lowest, highest = taps[near[0]].copy(), taps[near[0]].copy()
        for i in near[1:]:
            np.minimum(lowest, taps[i], out=lowest)
            np.maximum(highest, taps[i], out=highest)
        out[first : first + n] = np.clip(smooth, lowest, highest)
    return out
