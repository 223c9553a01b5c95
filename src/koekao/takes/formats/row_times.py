"""When a row was, by whatever key the file tells it: seconds, milliseconds, microseconds, or the number of a frame.

The unit is in the key (``timestamp_ms``, ``timeUs``, ``frame``) or it is seconds; it is never guessed from the values,
because 33 may be a frame, a millisecond or half a minute. Where a row has only a number, or nothing at all, the rate of
the rows has to be stated (:attr:`koekao.takes.formats.registry.ReadOptions.fps`).

What it gives up: frame numbers that begin with 1 are taken to count from 1 (a recording that lost exactly its first
frame reads the same); the track's notes say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from koekao.errors import CurvesError

_SECONDS = ("time", "timestamp", "times", "timestamps", "timesec", "timestampsec", "timeseconds", "seconds", "elapseds")
_UNITS_PER_S = {
    **dict.fromkeys(_SECONDS, 1.0),
    **dict.fromkeys(("timems", "timestampms", "milliseconds", "elapsedms"), 1e3),
    **dict.fromkeys(("timeus", "timestampus", "microseconds"), 1e6),
}
_FRAMES = ("frame", "frameindex", "frameidx", "framenumber", "frameid", "framecount", "frameno")
_STATE_IT = "state how many rows a second the file has (fps=30)"


@dataclass
class RowTimes:
    """How the rows of a file tell their time.

    Attributes:
        key: the key of the time or frame number as the file spells it; None where rows have neither.
        units_per_s: how many of its units are a second; 0 where it counts frames.
        fps: rows a second, where that is needed.
    """

    key: str | None
    units_per_s: float
    fps: Fraction | None
    _first_frame: int = 0

    def at(self, value: float, row: int, where: str) -> float:
        """The time in seconds of row ``row``, whose time or frame number is ``value``.

        Raises:
            CurvesError: a frame number that is no whole number.
        """
        if self.units_per_s:
            return value / self.units_per_s
        frame = row
        if self.key is not None:
            if value != int(value) or not 0 <= value < 2**53:
                raise CurvesError(f"frame {value!r}", where=where, expected="a whole number from 0 on")
            frame = int(value)
            if row == 0 and frame == 1:
                self._first_frame = 1
        return float((frame - self._first_frame) / (self.fps or 1))

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be taken for granted."""
        if self.units_per_s:
            return ()
        told = f"times are {self.key or 'row'} / {self.fps}, as stated"
        return (told + "; frames count from 1" if self._first_frame else told,)


def row_times(keys: Sequence[str], fps: Fraction | None, where: str) -> RowTimes:
    """How rows with these ``keys`` tell their time; seconds before milliseconds before frame numbers before nothing.

    Args:
        keys: the names of the columns, or the keys of a frame.
        fps: rows a second, as stated; times in the file win over it.
        where: place of the keys, for the error text.

    Raises:
        CurvesError: no time among the keys, and no ``fps``.
    """
    folded = {_folded(key): key for key in reversed(keys)}
    for name, units_per_s in _UNITS_PER_S.items():
        if name in folded:
            return RowTimes(folded[name], units_per_s, fps)
    key = next((folded[name] for name in _FRAMES if name in folded), None)
    if fps is None:
        what = "the rows have no times" + (f", only {key!r}" if key is not None else "")
        raise CurvesError(what, where=where, expected="a time in seconds, or a stated rate", do=_STATE_IT)
    return RowTimes(key, 0.0, fps)


def _folded(key: str) -> str:
    return key.replace("_", "").replace(" ", "").casefold()
