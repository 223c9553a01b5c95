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
from koekao.errors import CurvesError
from koekao.takes.take import Source

GAP_STEPS = 1.5
"""A step of more than this many median steps is a gap."""

_REGULAR_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveTrack:
    """Rows of curves and when they were.

    Attributes:
        path: the file as it was named.
        format: the reader's name, such as ``"livelink_csv"``.
        time_s: ``[n]`` float64, strictly increasing. Seconds from the start of the sound; where the file has a
            timecode, seconds from its first row.
        values: ``[n, 52]`` float32 in the canonical order, as the file has them (also beyond [0, 1]); 0 where a row
            was not tracked.
        tracked: ``[n]`` bool.
        stated_clock: frames a second of the file's timecode clock, which is not the rate of the rows; else None.
        source: the file.
        stated_fps: rows a second as the file states them, to be compared with :attr:`rate_hz`; else None.
        origin_s: the time of day at ``time_s`` 0, in seconds since midnight, where the file has a timecode; else None.
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
    stated_fps: Fraction | None = None
    origin_s: float | None = None
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
