"""A file of curves that grows frame by frame, for as long as somebody speaks, in bounded memory.

Rows lie in a file without a name until the end and become the file that was asked for then, whole or not at all. This
module is the only one that knows how: whoever can append to a format writes it here.

What it gives up: the file before the end, and head and eyes, which :func:`koekao.outputs.write_curves` does not write.
"""

from __future__ import annotations

import errno
import os
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.outputs import format_name, write_curves

_ROW = np.dtype([("time_s", "<f8"), ("number", "<i8"), ("curves", "<f4", (N_CURVES,))])


class CurveFile:
    """Rows that become ``path`` at :meth:`close`.

    Raises:
        OutputError: an ending that no format has.
    """

    def __init__(self, path: str | Path, fps: Fraction) -> None:
        self.path, self.fps = Path(path), fps
        self.format = format_name(self.path)
        self._rows = tempfile.TemporaryFile(prefix="koekao-", buffering=0)  # noqa: SIM115 (closed in close)
        self.n_rows = 0

    def append(self, number: int, time_s: Fraction, curves: NDArray[np.float32]) -> None:
        """Add a row: frame ``number`` at ``time_s``, ``curves`` ``[52]``.

        Raises:
            OSError: the disk is full.
        """
        row = np.zeros((), _ROW)
        row["time_s"], row["number"], row["curves"] = float(time_s), number, curves
        if os.pwrite(self._rows.fileno(), row.tobytes(), self.n_rows * _ROW.itemsize) < _ROW.itemsize:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.n_rows += 1

    def close(self) -> None:
        """Write the file; none where there are no rows.

        Rows of consecutive frames are regular, from the time of the first. Where frames are missing, every row has the
        time it was given.

        Raises:
            OutputError: it cannot be written; nothing is published then.
        """
        if self._rows.closed:
            return
        with self._rows:
            if self.n_rows == 0:
                return
            rows = np.memmap(self._rows, _ROW, mode="r", shape=(self.n_rows,))
            numbers, times = np.array(rows["number"]), np.array(rows["time_s"])
            regular = bool((np.diff(numbers) == 1).all())
            write_curves(
                self.path,
                rows["curves"],
                self.fps,
                start_s=float(times[0]) if regular else 0.0,
                time_s=None if regular else times,
                format=self.format,
            )
            del rows
