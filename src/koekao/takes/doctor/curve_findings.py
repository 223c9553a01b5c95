"""What the numbers of curves mean: clock, gaps, range, motion, sides. Thresholds are constants with their reasons."""

from __future__ import annotations

from collections.abc import Iterator

from koekao.arkit import N_CURVES
from koekao.takes.doctor.curve_health import FAR_OUTSIDE, CurveHealth
from koekao.takes.doctor.finding import Finding, begins, percent, times
from koekao.takes.doctor.sides import Sides

RATE_OFF = 0.0005
"""Share: 0.05 % are 30 ms after a minute, a frame of 30 a second."""
GAP_LOOK_S = 0.1
"""The longest gap that packing bridges as valid, unless told otherwise."""
LOST_LOOK, LOST_PROBLEM = 0.02, 0.25
"""Share of rows without a face: with a fiftieth a take is worth a look; of four rows in five not much can be learnt."""
JITTER_LOOK = 0.1
"""Share of the usual step: interpolation in time makes up for jitter, but a tenth of a frame is no camera's doing."""
OUTSIDE_SLIGHT = 0.1
"""How far beyond [0, 1] phones go by themselves: real recordings reach 1.076."""
PERCENT_ROWS, PERCENT_HIGHEST = 0.5, 150.0
"""A scale of 0 to 100 puts a value beyond 1.5 into more than half of the rows, and none far beyond 100."""
FEW_MOVE = 5
"""Fewer moving curves than this are no talking face: real takes of speech have 10 or more."""
AGAINST = -0.5
"""Of numbers that are about +1 on faces whose sides have their right names (see sides): clearly the other way."""


def of_curves(curves: CurveHealth) -> Iterator[Finding]:
    """What is to be said of curves: of their times, of their values, of left and right."""
    yield from _of_times(curves)
    yield from _of_values(curves)
    yield from _of_sides(curves.sides)


def _of_times(curves: CurveHealth) -> Iterator[Finding]:
    if curves.rate_hz is not None and curves.rate_off is not None and curves.nominal_hz is not None:
        stated = curves.stated_fps if curves.stated_fps is not None else curves.stated_clock
        if abs(curves.rate_off) > RATE_OFF:
            yield Finding(
                name="rate_not_as_stated",
                level="look",
                what=f"{curves.rate_hz:.3f} rows a second by their times, the file says {stated}: taken for "
                f"{curves.nominal_hz:g} they are {60000 * abs(curves.rate_off):.0f} ms out after a minute",
                do="use the times, as pack does; never count rows",
            )
        elif curves.stated_fps is None and round(float(curves.stated_clock or 0) / curves.nominal_hz) > 1:
            what = f"{curves.rate_hz:.2f} rows a second on a timecode of {stated} frames a second"
            yield Finding(name="clock_is_not_rate", level="note", what=what, do="nothing: pack goes by the times")
    if curves.jitter_ms is not None and curves.rate_hz and curves.jitter_ms * curves.rate_hz > 1000 * JITTER_LOOK:
        what = f"the rows' times jitter by {curves.jitter_ms:.1f} ms around steps of {1000 / curves.rate_hz:.1f} ms"
        yield Finding(name="jitter", level="look", what=what, do="check what stamped them: arrival is not capture")
    if curves.gaps:
        yield Finding(
            name="gaps",
            level="look" if curves.longest_gap_s > GAP_LOOK_S + 1e-9 else "note",
            what=f"rows are missing {times(len(curves.gaps))} ({curves.missing_rows} in all, the longest gap "
            f"{1000 * curves.longest_gap_s:.0f} ms)",
            do=f"nothing: pack bridges up to {1000 * GAP_LOOK_S:.0f} ms and marks what is longer as not valid",
            at_s=begins(curves.gaps),
        )
    if curves.untracked_rows:
        yield Finding(
            name="untracked",
            level="look" if curves.untracked_share > LOST_LOOK else "note",
            what=f"no face in {curves.untracked_rows} of {curves.rows} rows ({percent(curves.untracked_share)})",
            do="nothing: pack marks them as not valid",
            at_s=begins(curves.untracked),
        )
    if curves.lost_share > LOST_PROBLEM:
        what = f"{100 * curves.lost_share:.0f} % of the time there is no face"
        yield Finding(name="mostly_lost", level="problem", what=what, do="record it again, or leave it out")


def _of_values(curves: CurveHealth) -> Iterator[Finding]:
    low, high = curves.low, curves.high
    if low is None or high is None:
        yield Finding(name="no_face", level="problem", what="no row has a face", do="record it again, or leave it out")
        return
    reach = f"from {low:.4g} to {high:.4g}"
    if curves.far_outside_share > PERCENT_ROWS and high <= PERCENT_HIGHEST:
        what = f"values {reach} look like 0 to 100"
        yield Finding(
            name="scale_0_to_100", level="problem", what=what, do="divide them by 100 (koekao pack --values rescale)"
        )
    elif low < 0 or high > 1:
        slight = low >= -OUTSIDE_SLIGHT and high <= 1 + OUTSIDE_SLIGHT
        share = f"{percent(curves.outside_share)} of the values are outside [0, 1], {reach}"
        beyond = f"; {percent(curves.far_outside_share)} of the rows beyond {FAR_OUTSIDE}" * (
            curves.far_outside_share > 0
        )
        do = "nothing: phones overshoot; pack keeps them, or --values clip" if slight else "find what wrote them"
        yield Finding(name="outside", level="note" if slight else "look", what=share + beyond, do=do)
    if not curves.moving:
        what = f"none of the {N_CURVES} curves moves"
        yield Finding(name="nothing_moves", level="problem", what=what, do="check the capture; this is a still face")
    elif len(curves.moving) < FEW_MOVE or "jawOpen" not in curves.moving:
        jaw = "" if "jawOpen" in curves.moving else ", jawOpen does not"
        what = f"{len(curves.moving)} of {N_CURVES} curves move{jaw}"
        yield Finding(name="few_move", level="look", what=what, do="check that all curves were captured")
    for name, span in curves.stuck.items():
        what = f"{name} keeps one value for {span.length_s:.1f} s"
        yield Finding(name="stuck", level="look", what=what, do="look at it there", at_s=(span.start_s,))
    if curves.frozen and curves.moving:
        longest_s = max(span.length_s for span in curves.frozen)
        what = f"the face is frozen {times(len(curves.frozen))}, for up to {longest_s:.1f} s, and called tracked"
        do = "mark it as not tracked: leave those rows out"
        yield Finding(name="frozen", level="look", what=what, do=do, at_s=begins(curves.frozen))


def _of_sides(sides: Sides) -> Iterator[Finding]:
    if sides.still_sides:
        what = f"still while the other side moves: {', '.join(sides.still_sides)}"
        yield Finding(name="one_sided", level="look", what=what, do="check that both sides were captured")
    checks = (
        (sides.eyes, "the eyes look in opposite directions: eyeLookIn goes with its own eye's eyeLookOut"),
        (sides.jaw, "jaw and mouth move to opposite sides"),
        (sides.corners, "the mouth moves to one side and stretches the corner of that side, not of the other"),
    )
    for number, what in checks:
        if number is not None and number < AGAINST:
            yield Finding(
                name="sides_swapped",
                level="look",
                what=f"{what} ({number:+.2f}; about +1 on a face): left and right may be swapped in some curves",
                do="check how the columns were read: Live Link's CSV has JawRight and MouthRight before JawLeft and "
                "MouthLeft, its UDP packets the other way round",
            )
