"""A line a frame for people: number, time and the curves that are farthest from rest.

What it gives up: not waiting; a screen that stands still holds the sender up.
"""

from __future__ import annotations

import sys
from typing import TextIO

import numpy as np

from koekao.arkit import NAMES
from koekao.wire.frame import FaceFrame
from koekao.wire.sink import Closing, Counts

N_SHOWN = 4


def line(frame: FaceFrame) -> str:
    """``12 0.400 s jawOpen 0.52 mouthFunnel 0.31 ...``."""
    largest = np.argsort(-np.abs(frame.curves), kind="stable")[:N_SHOWN].tolist()
    shown = "  ".join(f"{NAMES[i]} {frame.curves[i]:.2f}" for i in largest)
    return f"{frame.number:6d} {float(frame.time_s):9.3f} s  {shown}"


class PrintSink(Closing):
    """Prints to ``out``, the standard output where none is given."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._sent = self._failed = 0
        self._open = True

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""
        return Counts(sent=self._sent, failed=self._failed)

    def describe(self) -> str:
        """One line: where to."""
        return "a line a frame on the screen"

    def send(self, frame: FaceFrame) -> None:
        """Print a frame."""
        try:
            if self._open:
                print(line(frame), file=self._out or sys.stdout, flush=True)
        except OSError:  # whoever read it is gone
            self._open = False
        self._sent, self._failed = self._sent + self._open, self._failed + (not self._open)

    def close(self) -> None:
        """Print no more."""
        self._open = False
