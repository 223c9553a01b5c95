"""Frames into a file of curves, as they come.

Row k is the face at k / fps of the sound. Where frames are missing the face stays as it was, and before the first it is
at rest, so that the file stays in time with the sound whatever got lost on the way. The file is opened at once, so one
that cannot be written is told before anybody speaks, and it is there when the sink is closed.

What it gives up: the times of frames that lie between two rows; the nearest row has them.
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np

from koekao.arkit import N_CURVES
from koekao.errors import KoekaoError
from koekao.outputs import FORMATS, open_curves
from koekao.wire.frame import N_ROTATIONS, FaceFrame
from koekao.wire.sink import Closing, Counts

MOST_HELD_S = 600
"""A frame that is later than this after the one before is no frame of this sound."""


class FileSink(Closing):
    """Writes ``path``, in the format that its ending says. A frame whose row is taken counts as dropped.

    Raises:
        OutputError: an ending that no format has, or a place that cannot be written.
        ConfigError: a package that the format needs is missing.
    """

    def __init__(self, path: str | Path, fps: Fraction) -> None:
        self._writing = open_curves(path, fps)
        self._file = self._writing.__enter__()
        self._fps, self._has_pose = fps, FORMATS[self._file.format].has_pose
        self._sent = self._dropped = self._failed = 0
        self._curves, self._pose = np.zeros((1, N_CURVES), np.float32), np.zeros((1, N_ROTATIONS), np.float32)
        self._open = True

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""
        return Counts(sent=self._sent, dropped=self._dropped, failed=self._failed)

    def describe(self) -> str:
        """One line: format and path."""
        return f"{self._file.format} to {self._file.path}"

    def send(self, frame: FaceFrame) -> None:
        """Write a frame, and before it the face as it was, once for each that is missing."""
        n_held = math.floor(frame.time_s * self._fps + Fraction(1, 2)) - self._file.n_frames
        if n_held < 0:
            self._dropped += 1
        elif self._open and n_held <= MOST_HELD_S * self._fps and self._written(n_held, frame):
            self._sent += 1
        else:
            self._failed += 1

    def _written(self, n_held: int, frame: FaceFrame) -> bool:
        before = self._curves, self._pose
        self._curves, self._pose = frame.curves[None].copy(), frame.pose[None].copy()
        curves, pose = (
            np.concatenate((np.repeat(old, n_held, axis=0), new))
            for old, new in zip(before, (self._curves, self._pose))
        )
        try:
            self._file.append(curves, pose if self._has_pose else None)
        except (KoekaoError, OSError):  # a full disk; the file says so at the end
            return False
        return True

    def close(self) -> None:
        """Publish the file; none where there was no frame.

        Raises:
            OutputError: it cannot be written; nothing is published then.
        """
        if not self._open:
            return
        self._open = False
        if self._file.n_frames or self._file.fault is not None:
            self._writing.__exit__(None, None, None)
        else:
            nothing = _NothingToWriteError()
            self._writing.__exit__(type(nothing), nothing, None)


class _NothingToWriteError(Exception):
    """Leaves a file unpublished."""
