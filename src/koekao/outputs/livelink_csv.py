"""Live Link Face's CSV, laid out as the phone writes it, for whatever imports the phone's takes.

63 columns: ``Timecode,BlendShapeCount``, 52 curves in the phone's order (``JawRight`` before ``JawLeft``,
``MouthRight`` before ``MouthLeft``) and nine rotations of head and eyes in radians, 0 where no pose was given.
The timecode is ``HH:MM:SS:FF.fff``: the seconds are true seconds, FF counts frames on a clock of whole frames (30 for
29.97), ``.fff`` is a fraction of one such frame. It is made in integers, so no row is off by more than half of a
thousandth of a frame. Values have the phone's ten decimals, and more where float32 would not come back the same. Source
of the layout: two captures of the app (alexdjulin's retargeting repository, MIT).

What it gives up: drop-frame timecode, and days; after 24 hours the hours start again at 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import numpy as np

from koekao.arkit import HEAD_AND_EYES, LIVELINK_CSV_CURVES, from_canonical
from koekao.errors import OutputError
from koekao.outputs.target import Append, Frames, Target

HEADER = ",".join(("Timecode", "BlendShapeCount", *LIVELINK_CSV_CURVES, *HEAD_AND_EYES))
N_VALUES = len(LIVELINK_CSV_CURVES) + len(HEAD_AND_EYES)

_DECIMALS = 10
_BEGIN = f"%s,{N_VALUES}"
_ROW = _BEGIN + f",%.{_DECIMALS}f" * N_VALUES + "\n"
_ROW_OF_WORDS = _BEGIN + ",%s" * N_VALUES + "\n"


@contextmanager
def writing(target: Target) -> Iterator[Append]:
    """Write a Live Link Face CSV (see :mod:`koekao.outputs.target`).

    Raises:
        OutputError: rows so near to each other that their timecodes are the same.
    """
    times, before = target.times, ""
    with target.text() as out:
        out.write(HEADER + "\n")

        def append(frames: Frames) -> None:
            nonlocal before
            rows = np.hstack([from_canonical(frames.curves, LIVELINK_CSV_CURVES), frames.rotations])
            comes_back = (np.round(rows.astype(np.float64), _DECIMALS).astype(np.float32) == rows).all(axis=1)
            for i, row in enumerate(rows):
                code = timecode(times.exact(frames.first + i), times.fps)
                if code == before:
                    raise OutputError(
                        f"rows {frames.first + i - 1} and {frames.first + i} have one timecode, {code}",
                        where=target.path,
                        expected="rows at least a thousandth of a frame apart",
                        do="state a higher fps",
                    )
                before = code
                out.write(_ROW % (code, *row.tolist()) if comes_back[i] else _ROW_OF_WORDS % (code, *map(_word, row)))

        yield append


def _word(value: np.float32) -> str:
    """At least ten decimals, and as many more as give back the same float32."""
    return np.format_float_positional(value, unique=True, min_digits=_DECIMALS)


def timecode(time_s: Fraction, fps: Fraction) -> str:
    """``HH:MM:SS:FF.fff`` of an exact time, on a clock of ceil(fps) frames a second.

    Rounding comes first and dividing after, so FF never reaches the clock's rate.

    >>> timecode(Fraction(31, 30), Fraction(30)), timecode(Fraction(1001, 1000), Fraction(30000, 1001))
    ('00:00:01:01.000', '00:00:01:00.030')
    """
    a_second = 1000 * math.ceil(fps)
    seconds, thousandths = divmod(math.floor(time_s * a_second + Fraction(1, 2)), a_second)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    frame, fraction = divmod(thousandths, 1000)
    return f"{hours % 24:02d}:{minute:02d}:{second:02d}:{frame:02d}.{fraction:03d}"
