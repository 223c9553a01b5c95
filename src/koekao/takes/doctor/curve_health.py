"""The curves of a take in numbers: clock, gaps, tracking, range, what moves and what stands still.

Everything is measured on the rows as the file has them, at their own times. Rates are measured from the times and put
beside what the file states: 59.904 rows a second called 60 are 96 ms out after a minute.

What it gives up: a curve at 0 is taken to be at rest, not stuck, however long it stays there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import MOVING_RANGE, NAMES
from koekao.takes.curves import CurveTrack
from koekao.takes.doctor.sides import Sides, compare_sides
from koekao.takes.doctor.spans import Span, runs, share_of

STUCK_S = 5.0
"""A curve that keeps one value for so long, not at rest, is stuck. Solved curves hold a value for up to 4 s in real
takes; measured ones tremble in every row."""
FROZEN_S = 2.0
"""A whole face that keeps all 52 values for so long, not at rest, was not seen. Solved faces do for up to 0.7 s."""
FAR_OUTSIDE = 1.5
"""A value beyond this is no overshoot (phones reach 1.08) but another scale, or a fault."""
_REGULAR_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class CurveHealth:
    """What was measured of a file of curves. Shares are of 1.

    Attributes:
        format: the reader's name.
        notes: what the reader passed over or guessed.
        rows, start_s, end_s: number of rows, time of the first, and of the last with the usual step after it.
        rate_hz: rows a second, from the steps that are no gaps; None for a single row.
        stated_fps, stated_clock: what the file says of the rows and of its timecode.
        nominal_hz: the rate of rows that the statement means: the stated rate, or the timecode's clock or the whole
            fraction of it that is nearest to the rate; None where nothing is stated.
        jitter_ms: standard deviation of the steps that are no gaps.
        gaps, longest_gap_s, missing_rows: steps of more than 1.5 usual ones: spans, the longest, rows that fell out.
        untracked: spans of rows in which the face was not tracked; ``untracked_rows`` counts the rows.
        low, high: smallest and largest value of tracked rows; None without any.
        outside_share, far_outside_share: share of values outside [0, 1]; share of rows with a value beyond 1.5.
        moving: curves that move by more than 0.05 in tracked rows; ``dead``: curves that have one value throughout.
        stuck: curve -> its longest stretch on one value other than 0 and 1, where that is 5 s or more.
        frozen: stretches of 2 s and more in which no curve changes though not all are 0.
        sides: left against right.
    """

    format: str
    notes: tuple[str, ...]
    rows: int
    start_s: float
    end_s: float
    rate_hz: float | None
    stated_fps: Fraction | None
    stated_clock: Fraction | None
    nominal_hz: float | None
    jitter_ms: float | None
    gaps: tuple[Span, ...]
    missing_rows: int
    untracked: tuple[Span, ...]
    untracked_rows: int
    low: float | None
    high: float | None
    outside_share: float
    far_outside_share: float
    moving: tuple[str, ...]
    dead: tuple[str, ...]
    stuck: dict[str, Span]
    frozen: tuple[Span, ...]
    sides: Sides

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def longest_gap_s(self) -> float:
        return max((gap.length_s for gap in self.gaps), default=0.0)

    @property
    def gaps_s(self) -> float:
        """All gaps together, each from the row before it to the row after it."""
        return sum(gap.length_s for gap in self.gaps)

    @property
    def untracked_share(self) -> float:
        return share_of(self.untracked_rows, self.rows)

    @property
    def lost_share(self) -> float:
        """Share of the rows there ought to be in which there is no face: missing or not tracked."""
        return share_of(self.missing_rows + self.untracked_rows, self.rows + self.missing_rows)

    @property
    def rate_off(self) -> float | None:
        """By what share the measured rate is above the nominal one."""
        return None if self.nominal_hz is None or self.rate_hz is None else self.rate_hz / self.nominal_hz - 1


def examine_curves(track: CurveTrack) -> CurveHealth:
    """Measure a track of curves."""
    seen = track.values[track.tracked]
    low, high = track.value_range
    rate_hz = None if len(track) < 2 else track.rate_hz
    step_s = 0.0 if len(track) < 2 else track.median_step_s
    span = np.ptp(seen, axis=0) if len(seen) else np.zeros(len(NAMES))
    far = (np.abs(seen) > FAR_OUTSIDE).any(axis=1)
    return CurveHealth(
        format=track.format,
        notes=track.notes,
        rows=len(track),
        start_s=float(track.time_s[0]),
        end_s=float(track.time_s[-1]) + step_s,
        rate_hz=rate_hz,
        stated_fps=track.stated_fps,
        stated_clock=track.stated_clock,
        nominal_hz=_nominal_hz(track.stated_fps, track.stated_clock, rate_hz),
        jitter_ms=_jitter_ms(track),
        gaps=tuple(Span(start_s, float(track.time_s[row + 1])) for row, _, start_s in track.gaps),
        missing_rows=sum(missing for _, missing, _ in track.gaps),
        untracked=_spans(track, runs(~track.tracked), step_s),
        untracked_rows=track.n_untracked,
        low=low if len(seen) else None,
        high=high if len(seen) else None,
        outside_share=share_of(int(np.count_nonzero((seen < 0) | (seen > 1))), seen.size),
        far_outside_share=share_of(int(np.count_nonzero(far)), len(seen)),
        moving=tuple(name for name, width in zip(NAMES, span) if width > MOVING_RANGE),
        dead=tuple(name for name, width in zip(NAMES, span) if width == 0),
        stuck=_stuck(track),
        frozen=_frozen(track),
        sides=compare_sides(seen),
    )


def _nominal_hz(stated_fps: Fraction | None, clock: Fraction | None, rate_hz: float | None) -> float | None:
    if stated_fps is not None or clock is None or rate_hz is None:
        return None if stated_fps is None else float(stated_fps)
    # Phones write every first, second ... frame of the timecode's clock.
    return float(clock) / max(1, round(float(clock) / rate_hz))


def _jitter_ms(track: CurveTrack) -> float | None:
    if len(track) < 2:
        return None
    steps = np.diff(track.time_s)
    regular = steps[np.abs(steps - track.median_step_s) <= _REGULAR_SHARE * track.median_step_s]
    return float(1000 * regular.std()) if len(regular) else None


def _spans(track: CurveTrack, stretches: NDArray[np.int64], step_s: float) -> tuple[Span, ...]:
    """Stretches of rows as time, from the first of them to one usual step after the last."""
    return tuple(Span(float(track.time_s[a]), float(track.time_s[b - 1]) + step_s) for a, b in stretches)


def _stuck(track: CurveTrack) -> dict[str, Span]:
    """The longest stretch of each curve on one value, where it is long enough and the curve moves at another time."""
    found: dict[str, Span] = {}
    # A row that was not tracked is all 0, hence at rest.
    kept = (track.values[1:] == track.values[:-1]) & (track.values[1:] > 0) & (track.values[1:] < 1)
    for name, column in zip(NAMES, kept.T):
        if name in track.moving:
            spans = [Span(float(track.time_s[a]), float(track.time_s[b])) for a, b in runs(column)]
            longest = max(spans, key=lambda span: span.length_s, default=Span(0.0, 0.0))
            if longest.length_s >= STUCK_S:
                found[name] = longest
    return found


def _frozen(track: CurveTrack) -> tuple[Span, ...]:
    """Where all 52 stand still and are not at rest, as they are in rows that were not tracked."""
    same = (track.values[1:] == track.values[:-1]).all(axis=1) & (track.values[1:] != 0).any(axis=1)
    spans = (Span(float(track.time_s[a]), float(track.time_s[b])) for a, b in runs(same))
    return tuple(span for span in spans if span.length_s >= FROZEN_S)
