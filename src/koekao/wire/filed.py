"""Frames into a file of curves, as a sink."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from koekao.wire.curve_file import CurveFile
from koekao.wire.frame import FaceFrame
from koekao.wire.sink import Closing, Counts


class FileSink(Closing):
    """Every frame is a row. A frame that is not later than the one before counts as dropped.

    Raises:
        OutputError: an ending that no format has.
    """

    def __init__(self, path: str | Path, fps: Fraction) -> None:
        self._file = CurveFile(path, fps)
        self._sent = self._dropped = self._failed = 0
        self._last: FaceFrame | None = None
        self._open = True

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""
        return Counts(sent=self._sent, dropped=self._dropped, failed=self._failed)

    def describe(self) -> str:
        """One line: format and path."""
        return f"{self._file.format} to {self._file.path}"

    def send(self, frame: FaceFrame) -> None:
        """Add a frame."""
        if not self._open:
            self._failed += 1
            return
        last = self._last
        if last is not None and (frame.number <= last.number or frame.time_s <= last.time_s):
            self._dropped += 1
            return
        try:
            self._file.append(frame.number, frame.time_s, frame.curves)
        except OSError:
            self._failed += 1
            return
        self._last, self._sent = frame, self._sent + 1

    def close(self) -> None:
        """Write the file.

        Raises:
            OutputError: it cannot be written; nothing is published then.
        """
        self._open = False
        self._file.close()
