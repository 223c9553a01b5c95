"""When the rows of a file are: frame k at start + k / fps, or at times that were measured."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.errors import OutputError


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameTimes:
    """The times of rows.

    Attributes:
        fps: frames a second; of measured rows the nominal rate, which clocks and metadata are written with.
        start: exact time of row 0 in seconds, where rows are regular.
        measured_s: ``[n]`` float64, strictly increasing: when each row is; None where rows are regular.
    """

    fps: Fraction
    start: Fraction = Fraction(0)
    measured_s: NDArray[np.float64] | None = None

    def exact(self, row: int) -> Fraction:
        """The time of a row in seconds."""
        return self.start + row / self.fps if self.measured_s is None else Fraction(float(self.measured_s[row]))

    def as_text(self, row: int) -> str:
        """The same as a decimal: to a microsecond where rows are regular, else the very number that was measured."""
        return repr(round(float(self.exact(row)), 6) if self.measured_s is None else float(self.measured_s[row]))


def measured(where: Path, time_s: NDArray[np.float64], n_rows: int, fps: Fraction) -> FrameTimes:
    """Times as they were measured, once they can be written.

    Raises:
        OutputError: not one a row, below 0, not finite, or not increasing.
    """
    time_s = np.asarray(time_s, np.float64)
    if time_s.shape != (n_rows,):
        raise OutputError(f"times of shape {time_s.shape}", where=where, expected=f"[{n_rows}], one a row")
    wrong = ~np.isfinite(time_s) | (time_s < 0) | (np.diff(time_s, prepend=-1.0) <= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        expected = "finite times of 0 or later that increase from row to row"
        raise OutputError(f"time {time_s[row]!r}", where=f"{where}:row {row}", expected=expected)
    return FrameTimes(fps=fps, measured_s=time_s)
