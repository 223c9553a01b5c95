"""One contestant, one workload, one fresh process: what it measured, as JSON on the last line of its output.

Command (``loaders.py`` runs it): python benchmarks/contestant.py '{"name": "memmap", "workload": "clips", ...}'

Order of events: import torch (timed by itself, for every contestant's process needs it), make the loader, first batch,
then what is asked for: ``verify`` (some batches against wav and jsonl), ``speed`` (batches as fast as they come),
``wait`` (how long the next batch takes beside a training step of 5 ms). Memory is sampled at the start and after what
was timed, not during it.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from measures import MemoryPeak, cpu_s, family, memory_bytes, since_s

STEP_S = 0.005
MATMUL_SIZE = 256
LEFT_BEHIND_S = 0.05
"""How long batches come untimed at the beginning of a turn."""
READY = "ready"
"""Said by whoever waits for its turn; an empty line of input is the turn."""
HELD_S = 0.2
"""How long batches go on to come, after what is timed, while memory is looked at."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the process is to do.

    Attributes:
        name: the contestant. workload: the workload. workers: its workers. stores, takes: folders.
        warm_up_s, seconds: how long batches come before timing, and while timed; 0 seconds leaves speed out.
        wait_steps: training steps of each kind that the wait is measured beside; 0 leaves it out.
        verify_batches: batches that are compared with the files.
        turns: how many pieces the timed seconds come in, each when a line is read; 0 asks nobody.
    """

    name: str
    workload: str
    workers: int
    stores: str
    takes: str
    warm_up_s: float = 0.3
    seconds: float = 0.0
    wait_steps: int = 0
    verify_batches: int = 0
    turns: int = 0

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def run(task: Task, started: float) -> dict[str, Any]:
    """Do what the task says; ``started`` is when the process was started, on the monotonic clock."""
    before_torch = time.monotonic()
    import torch

    import_torch_s = time.monotonic() - before_torch
    torch.set_num_threads(1)
    found: dict[str, Any] = {"torch_bytes": memory_bytes(family())}
    with MemoryPeak() as at_start:
        batches, first_batch_s = _first_batch(task, started)
        found["first_batch_s"] = first_batch_s - import_torch_s
        if task.verify_batches:
            found["verified_windows"] = _verify(task, batches)
        warm_until = time.monotonic() + task.warm_up_s
        while time.monotonic() < warm_until:
            next(batches)
    if task.seconds:
        found |= _speed(batches, task)
    if task.wait_steps:
        found["wait_sleep_s"] = _waits(batches, task.wait_steps, _sleep)
        found["wait_matmul_s"] = _waits(batches, task.wait_steps, _matmul())
    with MemoryPeak() as after:
        held_until = time.monotonic() + HELD_S
        while time.monotonic() < held_until:
            batch = next(batches)
        del batch
    found["peak_bytes"] = max(at_start.peak_bytes, after.peak_bytes)
    return found


def _first_batch(task: Task, started: float) -> tuple[Iterator[dict[str, Any]], float]:
    from contestants import CONTESTANTS
    from workloads import WORKLOADS

    batches = CONTESTANTS[task.name].batches(Path(task.stores), WORKLOADS[task.workload], task.workers)
    next(batches)
    return batches, since_s(started)


def _verify(task: Task, batches: Iterator[dict[str, Any]]) -> int:
    from recordings import Reference
    from workloads import WORKLOADS

    reference, workload = Reference(Path(task.takes)), WORKLOADS[task.workload]
    for _ in range(task.verify_batches):
        reference.refuse_difference(workload, next(batches))
    return task.verify_batches * workload.batch_size


def _batch_size(task: Task) -> int:
    """Rows of every batch, for all deliver whole ones; asking each costs a tensor a microsecond and an array none."""
    from workloads import WORKLOADS

    return WORKLOADS[task.workload].batch_size


def _speed(batches: Iterator[dict[str, Any]], task: Task) -> dict[str, Any]:
    """Windows a second of each turn and their median, and CPU seconds a window, of this process and its workers."""
    size, turns, speeds, used_s, n_windows = _batch_size(task), max(1, task.turns), [], 0.0, 0
    for _ in range(turns):
        if task.turns:
            _wait_for_turn(batches)
        pids = family()
        cpu_before, n, began = cpu_s(pids), 0, time.perf_counter()
        until = began + task.seconds / turns
        while (now := time.perf_counter()) < until:
            next(batches)
            n += size
        speeds.append(n / (now - began))
        used_s, n_windows = used_s + cpu_s(pids) - cpu_before, n_windows + n
    return {"windows_per_s": statistics.median(speeds), "turns": speeds, "cpu_s_per_window": used_s / n_windows}


def _wait_for_turn(batches: Iterator[dict[str, Any]]) -> None:
    """Ask for a turn and wait for it; what was made ahead meanwhile, and cold caches, are left behind untimed."""
    print(READY, flush=True)
    sys.stdin.readline()
    until = time.perf_counter() + LEFT_BEHIND_S
    while time.perf_counter() < until:
        next(batches)


def _waits(batches: Iterator[dict[str, Any]], steps: int, train: Callable[[], None]) -> list[float]:
    """Seconds until each next batch, where a training step lies between one and the next."""
    waits = []
    for _ in range(steps):
        train()
        began = time.perf_counter()
        next(batches)
        waits.append(round(time.perf_counter() - began, 7))
    return waits


def _sleep() -> None:
    """A training step on another device: this process only waits for it."""
    time.sleep(STEP_S)


def _matmul() -> Callable[[], None]:
    """A training step on this device: torch multiplies matrices for 5 ms."""
    import torch

    left, right = torch.rand(2, MATMUL_SIZE, MATMUL_SIZE)
    out = torch.empty(MATMUL_SIZE, MATMUL_SIZE)

    def step() -> None:
        until = time.perf_counter() + STEP_S
        while time.perf_counter() < until:
            torch.mm(left, right, out=out)

    return step


def _end() -> None:
    """End this process and its workers at once: loaders' own farewells are not what is measured.

    SIGTERM, for Python's tracker of shared memory does not listen to it, and then removes what workers leave behind.
    """
    sys.stdout.flush()
    for pid in family()[:0:-1]:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue
    os._exit(0)


if __name__ == "__main__":
    print(json.dumps(run(Task(**json.loads(sys.argv[1])), float(sys.argv[2]))))
    _end()
