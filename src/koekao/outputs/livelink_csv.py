"""Live Link Face's CSV, laid out as the phone writes it, for whatever imports the phone's takes.

63 columns: ``Timecode,BlendShapeCount``, 52 curves in the phone's order (``JawRight`` before ``JawLeft``,
``MouthRight`` before ``MouthLeft``) and nine rotations of head and eyes, which koekao does not make and writes as 0.
The timecode is ``HH:MM:SS:FF.fff``: the seconds are true seconds, FF counts frames on a clock of whole frames (30 for
29.97), ``.fff`` is a fraction of one such frame. It is made in integers, so no step is ever 0 and no row is off by more
than half of a thousandth of a frame. Source of the layout: two captures of the app (alexdjulin's retargeting
repository, MIT).

What it gives up: drop-frame timecode, values below 5e-11, and days; after 24 hours the hours start again at 0.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, LIVELINK_CSV_CURVES, from_canonical

HEADER = ",".join(("Timecode", "BlendShapeCount", *LIVELINK_CSV_CURVES, *HEAD_AND_EYES))
N_VALUES = len(LIVELINK_CSV_CURVES) + len(HEAD_AND_EYES)

_ROW = "%s," + str(N_VALUES) + ",%.10f" * len(LIVELINK_CSV_CURVES) + ",0.0000000000" * len(HEAD_AND_EYES) + "\n"
_BLOCK_FRAMES = 1000


def write(out: TextIO, curves: NDArray[np.float32], fps: Fraction, start_s: Fraction) -> None:
    """Write ``curves`` ``[n_frames, 52]`` (canonical order); frame k stands at ``start_s + k / fps``."""
    out.write(HEADER + "\n")
    for first in range(0, len(curves), _BLOCK_FRAMES):
        rows = from_canonical(curves[first : first + _BLOCK_FRAMES], LIVELINK_CSV_CURVES).tolist()
        out.writelines(_ROW % (timecode(start_s + (first + i) / fps, fps), *row) for i, row in enumerate(rows))


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
