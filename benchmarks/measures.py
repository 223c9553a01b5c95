"""What a contestant's processes cost: CPU time and memory, read from /proc.

Memory is the proportional set size of anonymous and shared pages: pages that several worker processes share count once,
and pages of memory-mapped files, which the machine may drop at any time, do not count.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SAMPLE_EVERY_S = 0.05


def family() -> list[int]:
    """This process and all that it started, and those that they started."""
    found = [os.getpid()]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += map(int, task.read_text("ascii").split())
            except OSError:
                continue  # a thread or process that has just ended
    return found


def cpu_s(pids: list[int]) -> float:
    """CPU seconds that these processes have used, and their ended children; those that are gone count 0."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / _TICKS_PER_S


def memory_bytes(pids: list[int]) -> int:
    """Proportional anonymous and shared memory of these processes together."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    return total * 1024


class MemoryPeak:
    """The largest :func:`memory_bytes` of the family while the ``with`` block runs, sampled 20 times a second."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_EVERY_S):
            self._look()

    def _look(self) -> None:
        self.peak_bytes = max(self.peak_bytes, memory_bytes(family()))

    def __enter__(self) -> MemoryPeak:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()


def since_s(start: float) -> float:
    """Seconds since ``start`` on the machine's monotonic clock, which all processes share."""
    return time.monotonic() - start
