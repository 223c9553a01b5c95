"""SPDL: its pipeline of threads, fed with the numbers of windows.

A task makes four batches: with one a task, streams came at half the rate, and so they did where the four were taken
apart inside the pipeline (``disaggregate``).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from peers.maps import MappedWindows
from workloads import Batch, Workload

BATCHES_A_TASK = 4


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    pipeline = importlib.import_module("spdl.pipeline")
    windows, size = MappedWindows(stores, workload), workload.batch_size

    def tasks() -> Iterator[list[list[int]]]:
        step = size * BATCHES_A_TASK
        while True:
            for first in range(0, len(windows) - step + 1, step):
                yield [list(range(at, at + size)) for at in range(first, first + step, size)]

    def made(task: list[list[int]]) -> list[Batch]:
        return [windows.__getitems__(numbers) for numbers in task]

    built = (
        pipeline.PipelineBuilder()
        .add_source(tasks())
        .pipe(made, concurrency=workers, output_order="input")
        .add_sink(2)
        .build(num_threads=workers)
    )
    with built.auto_stop():
        for several in built:
            yield from several
