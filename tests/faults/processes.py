"""What a process holds: threads, children, descriptors, shared memory; counted before and after."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def shared_segments() -> set[str]:
    """torch's segments in shared memory that this process made, or one that is gone: other people's are not ours."""
    segments = set()
    for path in Path("/dev/shm").glob("torch_*_*"):
        owner = path.name.split("_")[1]
        if owner == str(os.getpid()) or not Path("/proc", owner).exists():
            segments.add(path.name)
    return segments


def held() -> dict[str, int]:
    gc.collect()
    return {
        "threads": threading.active_count(),
        "children": len(multiprocessing.active_children()),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "segments": len(shared_segments()),
    }


@contextmanager
def leaving_nothing_behind(within_s: float = 5.0) -> Iterator[None]:
    """What is held afterwards is no more than before; processes may take a moment to go."""
    before, until_s = held(), time.monotonic() + within_s
    yield
    while any(now > before[what] for what, now in held().items()) and time.monotonic() < until_s:
        time.sleep(0.02)
    after = held()
    assert all(after[what] <= before[what] for what in before), f"{before} became {after}"


def children_of(pid: int) -> list[int]:
    """The child processes of a process that is running."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def group_is_gone(group: int, within_s: float = 5.0) -> bool:
    """Whether no process of the group is left, or none before long."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
