"""Hugging Face datasets on Arrow.

Streams: one row a take through ``to_iterable_dataset``. Clips: rows of one second, of which each window reads its
eleven by one slice. The ``arrow`` format gives views; with ``numpy`` or ``torch`` clips came at less than half its
rate.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, IterableDataset

from flat import FlatTakes
from peers.maps import loaded, worker_settings
from peers.rows import Row, batched, forever, stacked, windows_of
from workloads import FPS, N_CURVES, SAMPLE_RATE, Batch, Workload, first_sample, visits


def _values(column: Any) -> NDArray[np.float32]:
    """A column of lists as one flat array, without a copy where the rows lie in one chunk."""
    flat = [chunk.flatten().to_numpy(zero_copy_only=True) for chunk in column.chunks]
    return flat[0] if len(flat) == 1 else np.concatenate(flat)


class TakeWindows(IterableDataset[Batch]):
    """Whole takes, of which windows are cut; shards are shared out among the workers by ``datasets`` itself."""

    def __init__(self, stores: Path, workload: Workload) -> None:
        datasets = importlib.import_module("datasets")
        takes = datasets.load_from_disk(str(stores / "datasets" / "takes"))
        takes = takes.add_column("take", np.arange(len(takes))).with_format("arrow")
        self._takes, self._workload = takes.to_iterable_dataset(num_shards=4), workload

    def _rows(self) -> Iterator[Row]:
        for table in self._takes:
            audio, curves = (torch.from_numpy(_values(table[key])) for key in ("audio", "curves"))
            yield from windows_of(self._workload, table["take"][0].as_py(), audio, curves.view(-1, N_CURVES))

    def __iter__(self) -> Iterator[Batch]:
        return batched(self._rows(), self._workload.batch_size)


class SecondWindows(Dataset[Batch]):
    """Clips from the rows of whole seconds that they lie in."""

    def __init__(self, stores: Path, workload: Workload) -> None:
        datasets = importlib.import_module("datasets")
        self._seconds = datasets.load_from_disk(str(stores / "datasets" / "seconds")).with_format("arrow")
        flat = FlatTakes.open(stores)
        rows = -(-flat.n_frames // FPS) + 1
        self._row_begin = np.cumsum(rows) - rows
        self._workload = workload
        self._take, self._start = visits(flat.n_frames, workload)

    def __len__(self) -> int:
        return len(self._take)

    def _row(self, number: int) -> Row:
        take, start = int(self._take[number]), int(self._start[number])
        first_second, into_frames = divmod(start, FPS)
        first_row = int(self._row_begin[take]) + first_second
        last_row = first_row - (-(into_frames + self._workload.n_frames) // FPS) + 1
        table = self._seconds[first_row:last_row]
        into_samples = first_sample(start) - first_second * SAMPLE_RATE
        audio, curves = (torch.from_numpy(_values(table[key])) for key in ("audio", "curves"))
        return Row(
            audio[into_samples : into_samples + self._workload.n_samples],
            curves.view(-1, N_CURVES)[into_frames : into_frames + self._workload.n_frames],
            take,
            start,
        )

    def __getitems__(self, numbers: list[int]) -> Batch:
        return stacked([self._row(number) for number in numbers])


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    if workload.shuffled:
        return loaded(SecondWindows(stores, workload), workload, workers)
    return forever(DataLoader(TakeWindows(stores, workload), batch_size=None, **worker_settings(workers)))
