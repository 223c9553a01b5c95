"""Timecodes ``HH:MM:SS:FF.fff`` to seconds.

FF counts frames of the timecode's clock and ``.fff`` is a fraction of such a frame, not milliseconds. The clock's rate
stands nowhere in the file and is not the rate of the rows (30 rows a second inside a 60-frame clock is what phones
write). It is read off the places where the seconds change: FF starts again there, so the last FF of a second plus one
step less the first FF of the next is the rate.

What it gives up: drop-frame timecodes (``;`` before the frames) are refused, because their frame numbers skip.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.errors import CurvesError

CLOCK_RATES = (24, 25, 30, 48, 50, 60, 100, 120)
_FALLBACK_RATES = (30, 60, 120)
_RATE_TOLERANCE_FRAMES = 1.0
_DAY_S = 86_400
_LONGEST_STEP_OVER_MIDNIGHT_S = 3600
_TIMECODE = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2}):([0-9]{2,3}(?:\.[0-9]{1,9})?)")
_STATE_IT = "state the timecode's clock (timecode_rate=60)"


def parse_timecode(text: str, where: str) -> tuple[int, float]:
    """A timecode as whole seconds of the day and frames within the second.

    >>> parse_timecode("13:13:04:31.652", "a.csv:2")
    (47584, 31.652)
    """
    match = _TIMECODE.fullmatch(text)
    hours, minutes, seconds = (int(part) for part in match.groups()[:3]) if match else (99, 99, 99)
    if not match or hours > 23 or minutes > 59 or seconds > 59:
        drop = " (a drop-frame timecode?)" if ";" in text else ""
        raise CurvesError(f"timecode {text[:40]!r}{drop}", where=where, expected="HH:MM:SS:FF or HH:MM:SS:FF.fff")
    return hours * 3600 + minutes * 60 + seconds, float(match[4])


def clock_rate(
    seconds: NDArray[np.int64], frames: NDArray[np.float64], *, path: str, stated: Fraction | int | None = None
) -> tuple[Fraction, str]:
    """The rate of the timecode's clock, and a note where it had to be guessed (else an empty one).

    Args:
        seconds, frames: ``[n]``, from :func:`parse_timecode`.
        path: for the error text.
        stated: the rate, where the caller knows it.

    Raises:
        CurvesError: the rows fit no clock of 24, 25, 30, 48, 50, 60, 100 or 120 frames a second.
    """
    if stated is not None:
        rate = Fraction(stated)
        if not 1 <= rate <= 1000:
            raise CurvesError(f"timecode_rate {stated}", where=path, expected="1..1000 frames a second")
        return rate, ""
    changes = np.diff(seconds)
    steps = np.diff(frames)[changes == 0]
    next_second = np.isin(changes, (1, 1 - _DAY_S))
    if not len(steps) or not next_second.any():
        return _smallest_above(float(frames.max()), path)
    seen = float(np.median(frames[:-1][next_second] + np.median(steps) - frames[1:][next_second]))
    nearest = min(CLOCK_RATES, key=lambda rate: abs(rate - seen))
    if abs(nearest - seen) > _RATE_TOLERANCE_FRAMES:
        raise CurvesError(
            f"the frames of the timecode restart after {seen:.2f}",
            where=path,
            expected="a clock of " + ", ".join(map(str, CLOCK_RATES)),
            do=_STATE_IT,
        )
    return Fraction(nearest), ""


def _smallest_above(largest: float, path: str) -> tuple[Fraction, str]:
    for rate in _FALLBACK_RATES:
        if largest < rate:
            return Fraction(rate), (
                f"timecode clock taken as {rate} frames a second: "
                f"the rows do not tell it, their largest frame is {largest:g}"
            )
    raise CurvesError(f"frame {largest:g} in a timecode", where=path, expected="below 120", do=_STATE_IT)


def elapsed_s(
    seconds: NDArray[np.int64], frames: NDArray[np.float64], rate: Fraction, texts: Sequence[str], places: Sequence[str]
) -> NDArray[np.float64]:
    """Seconds since the first row, strictly increasing; a day is added at midnight.

    Args:
        seconds, frames: ``[n]``, from :func:`parse_timecode`.
        rate: frames a second of the clock.
        texts, places: each row's timecode and ``file:row``, for error texts.

    Raises:
        CurvesError: a frame number that the clock does not have, or a time that repeats or goes backward.
    """
    beyond = np.flatnonzero(frames >= float(rate))
    if len(beyond):
        row = int(beyond[0])
        raise CurvesError(
            f"frame {frames[row]:g} in timecode {texts[row]}",
            where=places[row],
            expected=f"below {rate}, which is the rate of the clock",
            do=_STATE_IT,
        )
    turned = np.diff(seconds) + _DAY_S
    midnight = (turned >= 0) & (turned <= _LONGEST_STEP_OVER_MIDNIGHT_S)
    days = np.concatenate([[0], np.cumsum(midnight)])
    whole = seconds - seconds[0] + days * _DAY_S
    time_s = whole + (frames - frames[0]) * rate.denominator / rate.numerator
    back = np.flatnonzero(~(np.diff(time_s) > 0))
    if len(back):
        row = int(back[0]) + 1
        how = "repeats" if time_s[row] == time_s[row - 1] else "runs backward"
        raise CurvesError(
            f"time {how}: {texts[row]} after {texts[row - 1]}",
            where=places[row],
            expected="timecodes that increase from row to row",
            do="cut the file there, or sort its rows and remove repeated ones",
        )
    return np.asarray(time_s, np.float64)
