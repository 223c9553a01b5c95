"""A track of curves brought to a frame rate: on time, never by row number, and saying which frames it may not fill."""

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


def frame_times(fps: Fraction, n_frames: int) -> NDArray[np.float64]:
    """When frames 0..n_frames-1 start, in seconds: each k/fps rounded once."""
    return np.arange(n_frames, dtype=np.int64) * fps.denominator / fps.numerator


def is_on_grid(track: CurveTrack, fps: Fraction) -> bool:
    """Whether the rows are the frames of ``fps``: all tracked, each within 0.5 ms of its own frame, none left out."""
    frames = np.rint(track.time_s * float(fps))
    near = np.abs(frames * fps.denominator / fps.numerator - track.time_s) <= GRID_TOLERANCE_S
    return bool(near.all() and track.tracked.all() and (np.diff(frames) == 1).all())


def on_frames(
    track: CurveTrack, fps: Fraction, n_frames: int, *, max_gap_s: float = 0.1
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Bring a track to the frames k/fps, k = 0..n_frames-1, by linear interpolation in time of the tracked rows.

    A row within 0.5 ms of a frame is taken as it is, so a track that is on the grid already comes back bit-equal.
    A frame is valid where such a row is, or where the two tracked rows around it are no farther apart than the larger
    of ``max_gap_s`` and 1.5 median steps. Up to half a frame before the first and after the last tracked row that row
    is held and valid; farther out it is held and invalid. Without any tracked row everything is 0 and invalid.

    For a track of more than 1.5 times ``fps`` this is plain decimation, without a low-pass filter before it: motion
    faster than half the frame rate folds down. Faces at 60 rows a second have little of that.

    Args:
        track: rows at their own times.
        fps: frames a second wanted.
        n_frames: how many frames, from time 0.
        max_gap_s: the longest stretch without tracked rows that is bridged as valid.

    Returns:
        curves ``[n_frames, 52]`` float32 and valid ``[n_frames]`` bool.

    Raises:
        ConfigError: ``n_frames`` or ``max_gap_s`` is negative, or ``fps`` is no frame rate.
    """
    fps = parse_fps(fps)
    if n_frames < 0 or not max_gap_s >= 0:
        raise ConfigError(f"{n_frames} frames, gaps of {max_gap_s} s", expected="no negative numbers")
    time_s, values = track.time_s[track.tracked], track.values[track.tracked]
    if not len(time_s):
        return np.zeros((n_frames, N_CURVES), np.float32), np.zeros(n_frames, np.bool_)
    wanted_s = frame_times(fps, n_frames)
    before = np.searchsorted(time_s, wanted_s, side="right") - 1
    left, right = (np.clip(before + i, 0, len(time_s) - 1) for i in (0, 1))
    nearest = np.where(wanted_s - time_s[left] <= time_s[right] - wanted_s, left, right)
    on_row = np.abs(wanted_s - time_s[nearest]) <= GRID_TOLERANCE_S
    left, right = np.where(on_row, nearest, left), np.where(on_row, nearest, right)

    span_s = time_s[right] - time_s[left]
    held = span_s == 0
    weight = np.where(held, 0.0, (wanted_s - time_s[left]) / np.where(held, 1.0, span_s))[:, None]
    curves = (values[left] * (1 - weight) + values[right] * weight).astype(np.float32)
    # nan (a single row) compares as false and leaves max_gap_s.
    longest_s = max(max_gap_s, GAP_STEPS * track.median_step_s if len(track) > 1 else 0.0)
    reach_s = float(1 / (2 * fps)) + 1e-9
    valid = np.where(held, np.abs(wanted_s - time_s[left]) <= reach_s, span_s <= longest_s + 1e-9)
    return curves, valid
