"""Live Link Face's CSV, laid out as the phone writes it, for whatever imports the phone's takes.

63 columns: ``Timecode,BlendShapeCount``, 52 curves in the phone's order (``JawRight`` before ``JawLeft``,
``MouthRight`` before ``MouthLeft``) and nine rotations of head and eyes, which koekao does not make and writes as 0.
The timecode is ``HH:MM:SS:FF.fff``: the seconds are true seconds, FF counts frames on a clock of whole frames (30 for
29.97), ``.fff`` is a fraction of one such frame. It is made in integers, so no row is off by more than half of a
thousandth of a frame. Values have the phone's ten decimals, and more where float32 would not come back the same. Source
of the layout: two captures of the app (alexdjulin's retargeting repository, MIT).

What it gives up: drop-frame timecode, and days; after 24 hours the hours start again at 0.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, LIVELINK_CSV_CURVES, from_canonical
from koekao.errors import OutputError
from koekao.outputs.times import FrameTimes

HEADER = ",".join(("Timecode", "BlendShapeCount", *LIVELINK_CSV_CURVES, *HEAD_AND_EYES))
N_VALUES = len(LIVELINK_CSV_CURVES) + len(HEAD_AND_EYES)

_DECIMALS = 10
_BEGIN, _END = "%s," + str(N_VALUES), ",0.0000000000" * len(HEAD_AND_EYES) + "\n"
_ROW = _BEGIN + f",%.{_DECIMALS}f" * len(LIVELINK_CSV_CURVES) + _END
_ROW_OF_WORDS = _BEGIN + ",%s" * len(LIVELINK_CSV_CURVES) + _END
_BLOCK_FRAMES = 1000


def write(out: TextIO, curves: NDArray[np.float32], times: FrameTimes) -> None:
    """Write ``curves`` ``[n_frames, 52]`` (canonical order).

    Raises:
        OutputError: rows so near to each other that their timecodes are the same.
    """
    out.write(HEADER + "\n")
    before = ""
    for first in range(0, len(curves), _BLOCK_FRAMES):
        rows = from_canonical(curves[first : first + _BLOCK_FRAMES], LIVELINK_CSV_CURVES)
        comes_back = (np.round(rows.astype(np.float64), _DECIMALS).astype(np.float32) == rows).all(axis=1)
        for i, row in enumerate(rows):
            code = timecode(times.exact(first + i), times.fps)
            if code == before:
                what = f"rows {first + i - 1} and {first + i} have one timecode, {code}"
                raise OutputError(what, expected="rows at least a thousandth of a frame apart", do="state a higher fps")
            before = code
            out.write(_ROW % (code, *row.tolist()) if comes_back[i] else _ROW_OF_WORDS % (code, *map(_word, row)))


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
