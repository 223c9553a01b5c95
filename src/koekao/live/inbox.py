"""Sound on its way from the thread that hears it to the one that animates: bounded, in order, counted.

A device cannot be asked to wait. Where it brings more than can be kept, the oldest is forgotten and a silence of the
same length stands in its place, so that the clock, which is the count of samples, stays right and the newest sound is
always there. A file, a pipe or a socket can wait, and does.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]


class Inbox:
    """Blocks of ``[S]`` float32 from one thread to another.

    Args:
        sample_rate: Hz, of what is put. most_s: how much sound is kept at most.
    """

    def __init__(self, sample_rate: int, *, most_s: float = 2.0) -> None:
        self.sample_rate = sample_rate
        self.forgotten_samples = 0
        self._most = max(1, int(most_s * sample_rate))
        self._blocks: deque[tuple[Sound, float]] = deque()
        self._kept, self._silence = 0, 0
        self._over, self._fault = False, None
        self._changed = threading.Condition()

    _fault: BaseException | None

    def put(self, sound: Sound, arrived_s: float, *, wait: bool) -> bool:
        """Add a block that arrived at ``arrived_s``.

        Args:
            wait: until there is room; else forget the oldest.

        Returns:
            Whether anybody still listens.
        """
        with self._changed:
            while wait and self._kept + len(sound) > self._most and self._kept and not self._over:
                self._changed.wait()
            if self._over:
                return False
            self._blocks.append((sound, arrived_s))
            self._kept += len(sound)
            while self._kept > self._most and len(self._blocks) > 1:
                oldest, _ = self._blocks.popleft()
                self._kept -= len(oldest)
                self._silence += len(oldest)
                self.forgotten_samples += len(oldest)
            self._changed.notify_all()
            return True

    def get(self, timeout_s: float | None) -> tuple[Sound, float] | None:
        """All that has come, as one block, and when the last of it arrived; empty at the time-out; None at the end.

        Raises:
            what :meth:`fail` was told.
        """
        with self._changed:
            if not self._blocks and not self._over:
                self._changed.wait(timeout_s)
            if self._blocks:
                silence, parts = np.zeros(self._silence, np.float32), [sound for sound, _ in self._blocks]
                arrived_s = self._blocks[-1][1]
                self._blocks.clear()
                self._kept = self._silence = 0
                self._changed.notify_all()
                return np.concatenate([silence, *parts]), arrived_s
            if self._fault is not None:
                raise self._fault
            return None if self._over else (np.zeros(0, np.float32), 0.0)

    def end(self) -> None:
        """No more will be put; what is there can still be had. Also for a listener who leaves."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def fail(self, fault: BaseException) -> None:
        """The source cannot go on; the listener is told after the last of the sound."""
        with self._changed:
            self._fault = fault
        self.end()
