"""Sources that say sound at stated moments, for tests of what is live."""

from __future__ import annotations

import threading
import time
from typing import Any

from koekao.live.inbox import Inbox

Pieces = list[tuple[float, Any]]
"""(seconds since the start, ``[n]`` float32)."""


class Speaking:
    """Says pieces of sound at their moments, then ends or fails; ``waits`` is whether it can be made to wait."""

    sample_rate, title = 16_000, "speaking"

    def __init__(self, pieces: Pieces, *, waits: bool = True, fault: Exception | None = None) -> None:
        self.pieces, self.waits, self.fault, self.stopped = pieces, waits, fault, threading.Event()

    def start(self, inbox: Inbox) -> None:
        threading.Thread(target=self._say, args=(inbox,), daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()

    def _say(self, inbox: Inbox) -> None:
        began = time.perf_counter()
        for at_s, sound in self.pieces:
            self.stopped.wait(max(0.0, began + at_s - time.perf_counter()))
            if self.stopped.is_set() or not inbox.put(sound, time.perf_counter(), wait=self.waits):
                return
        inbox.end() if self.fault is None else inbox.fail(self.fault)


def spoken(sound: Any, *, stall: tuple[float, float] = (0.0, 0.0), block: int = 160) -> Pieces:
    """As it is spoken, the block that ends at s seconds at s; what comes from ``stall[0]`` on does not come before
    ``stall[1]``."""
    pieces = []
    for i in range(0, len(sound), block):
        at_s = (i + block) / 16_000
        pieces.append((max(at_s, stall[1]) if at_s >= stall[0] else at_s, sound[i : i + block]))
    return pieces
