"""When frames are shown: what is late, what is held, what is dropped, and how even it comes.

The sound says which moment a frame is; a playout says when that moment is here. Moment 0 was, by each arrival, at most
``arrival - time of the frame`` ago; the earliest of those in the last seconds is where it lies (so a clock of the sound
that runs a little slow or fast is followed, and a stall is not). A frame is due at that moment, ``buffer_s`` later.

Without a buffer a frame is shown when it is there. With one, frames that come in heaps (a browser sends a tenth of a
second at once) are shown evenly, as long as they come within the buffer. Where nothing is there to be shown the face
holds; what comes after a stall catches up in order, but for what lies more than ``most_behind_s`` behind the newest:
that is dropped, for nobody wants to see in a second what was said in five. All of it is counted. Frames that are
dropped here were made all the same, so the face that goes on is the one that would have been.

There is no clock in here: the moments are handed in, and tests hand in what they like.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from koekao.errors import ConfigError
from koekao.wire.frame import FaceFrame

_REMEMBERED_S = 2.0
"""How long an arrival has a say in where moment 0 lies."""


@dataclass(kw_only=True)
class Counts:
    """What became of frames.

    Attributes:
        shown: handed out. late: of those, more than one frame interval after they were due.
        held: frame intervals in which nothing new could be shown. dropped: never shown.
    """

    shown: int = 0
    late: int = 0
    held: int = 0
    dropped: int = 0


class Playout:
    """Frames in as they are made, frames out when they are due."""

    def __init__(self, fps: Fraction, *, buffer_s: float = 0.0, most_behind_s: float = 0.5) -> None:
        if not 0 <= buffer_s <= 10 or not most_behind_s >= 0.1:
            raise ConfigError(
                f"a buffer of {buffer_s} s, at most {most_behind_s} s behind",
                expected="a buffer of 0 to 10 s, and at least 0.1 s behind",
            )
        self.counts = Counts()
        self._fps, self._interval_s = fps, float(1 / fps)
        self._buffer_s, self._most_behind_s = buffer_s, max(most_behind_s, buffer_s + 0.1)
        self._waiting: deque[FaceFrame] = deque()
        self._arrivals: deque[tuple[float, float]] = deque()  # when, and where moment 0 lay by it, increasing
        self._last_shown_s: float | None = None

    def put(self, frames: Sequence[FaceFrame], now_s: float) -> None:
        """Frames that have just been made, in order."""
        if not frames:
            return
        origin_s = now_s - float(frames[-1].time_s)
        while self._arrivals and self._arrivals[0][0] < now_s - _REMEMBERED_S:
            self._arrivals.popleft()
        while self._arrivals and self._arrivals[-1][1] >= origin_s:
            self._arrivals.pop()
        self._arrivals.append((now_s, origin_s))
        self._waiting.extend(frames)
        newest = self._waiting[-1].time_s
        while newest - self._waiting[0].time_s > self._most_behind_s:
            self._waiting.popleft()
            self.counts.dropped += 1

    def take(self, now_s: float) -> list[FaceFrame]:
        """The frames to show now, in order."""
        taken = []
        while self._waiting and (not self._buffer_s or self._due_s(self._waiting[0]) <= now_s):
            frame = self._waiting.popleft()
            self.counts.late += now_s - self._due_s(frame) > self._interval_s
            taken.append(frame)
        if taken:
            if self._last_shown_s is not None:
                missed = (now_s - self._last_shown_s) / self._interval_s - 1.5
                self.counts.held += max(0, math.ceil(missed))
            self._last_shown_s = now_s
            self.counts.shown += len(taken)
        return taken

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until :meth:`take` has something, given what has come; None where nothing waits."""
        return max(0.0, self._due_s(self._waiting[0]) - now_s) if self._waiting else None

    def rest(self) -> list[FaceFrame]:
        """All that waits, due or not: the sound is over."""
        self.counts.shown += len(self._waiting)
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def _due_s(self, frame: FaceFrame) -> float:
        return self._arrivals[0][1] + float(frame.time_s) + self._buffer_s
