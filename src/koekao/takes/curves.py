"""The curves of one recording as their file has them: rows at their own times.

A :class:`CurveTrack` is what every curve reader returns. Its times are the file's (phones drop rows and call 30 rows a
second 60), its rate is measured, never believed. :func:`on_frames` brings a track to a frame rate by interpolation on
time, never on row number, and says which frames it had no right to fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import MOVING_RANGE, N_CURVES, NAMES
from koekao.clock import parse_fps
from koekao.errors import ConfigError, CurvesError
from koekao.takes.take import Source

GRID_TOLERANCE_S = 0.0005 + 1e-9
"""A row this near to a frame is that frame: timestamps are written with three to six decimals, so rounding moves them
by up to half a millisecond (and the binary representation by a little more)."""

GAP_STEPS = 1.5
"""A step of more than this many median steps is a gap."""

_REGULAR_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveTrack:
    """Rows of curves and when they were.

    Attributes:
        path: the file as it was named.
        format: the reader's name, such as ``"livelink"``.
        time_s: ``[n]`` float64, strictly increasing. Seconds from the start of the sound; where the file has a
            timecode, seconds from its first row.
        values: ``[n, 52]`` float32 in the canonical order, as the file has them (also beyond [0, 1]); 0 where a row
            was not tracked.
        tracked: ``[n]`` bool.
        stated_clock: frames a second of the file's timecode clock, which is not the rate of the rows; else None.
        source: the file.
        start_timecode: the first row's timecode; empty where there is none.
        notes: what the reader passed over or had to guess.
    """

    path: str
    format: str
    time_s: NDArray[np.float64]
    values: NDArray[np.float32]
    tracked: NDArray[np.bool_]
    stated_clock: Fraction | None
    source: Source
    start_timecode: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.time_s)
        if not n or self.values.shape != (n, N_CURVES) or self.tracked.shape != (n,):
            shapes = f"{self.time_s.shape} times, {self.values.shape} values, {self.tracked.shape} tracked"
            raise CurvesError(shapes, where=self.path, expected=f"[n], [n, {N_CURVES}] and [n] with n > 0")
        if not (np.isfinite(self.time_s).all() and (np.diff(self.time_s) > 0).all()):
            raise CurvesError("its times do not increase", where=self.path, expected="finite, strictly increasing")

    def __len__(self) -> int:
        return len(self.time_s)

    @cached_property
    def median_step_s(self) -> float:
        """The usual time between two rows; nan for fewer than two."""
        return float(np.median(np.diff(self.time_s))) if len(self) > 1 else float("nan")

    @cached_property
    def rate_hz(self) -> float:
        """Rows a second, measured: from the steps within 25 % of the median step, so that gaps do not bias it."""
        if len(self) < 2:
            return float("nan")
        steps = np.diff(self.time_s)
        regular = np.abs(steps - self.median_step_s) <= _REGULAR_SHARE * self.median_step_s
        # An even number of wild steps can have a median that none of them is near to.
        return float(1 / (steps[regular].mean() if regular.any() else self.median_step_s))

    @cached_property
    def gaps(self) -> list[tuple[int, int, float]]:
        """(the last row before the gap, how many rows are missing, that row's time) for every gap."""
        if len(self) < 2:
            return []
        steps = np.diff(self.time_s) / self.median_step_s
        rows = np.flatnonzero(steps > GAP_STEPS)
        return [(int(row), max(1, round(float(steps[row])) - 1), float(self.time_s[row])) for row in rows]

    @property
    def n_untracked(self) -> int:
        return int(np.count_nonzero(~self.tracked))

    @cached_property
    def value_range(self) -> tuple[float, float]:
        """Smallest and largest value of the tracked rows; nan where none was."""
        if not self.tracked.any():
            return float("nan"), float("nan")
        seen = self.values[self.tracked]
        return float(seen.min()), float(seen.max())

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """The curves whose range over tracked rows exceeds :data:`koekao.arkit.MOVING_RANGE`, in canonical order."""
        if not self.tracked.any():
            return ()
        span = np.ptp(self.values[self.tracked], axis=0)
        return tuple(name for name, width in zip(NAMES, span) if width > MOVING_RANGE)

    def summary(self) -> dict[str, Any]:
        """Plain values for a table or JSON; None where there is nothing to measure."""
        low, high = self.value_range
        longest = max((float(self.time_s[row + 1] - start) for row, _, start in self.gaps), default=0.0)
        return {
            "rows": len(self),
            "duration_s": float(self.time_s[-1] - self.time_s[0]),
            "rate_hz": _or_none(self.rate_hz),
            "clock_fps": None if self.stated_clock is None else str(self.stated_clock),
            "gaps": len(self.gaps),
            "longest_gap_s": longest,
            "untracked": self.n_untracked,
            "min": _or_none(low),
            "max": _or_none(high),
            "moving": list(self.moving),
            "notes": list(self.notes),
        }


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


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
