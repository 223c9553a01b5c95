"""Windows of the flat store by their number: the data set behind every library that reads by position.

``__getitems__`` makes a whole batch at once (torch's own hook for that), so that a window is copied once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from flat import FlatTakes
from peers.rows import Row, stacked
from workloads import Batch, Workload, visits


class WholeBatches(Protocol):
    """A data set with torch's hook for making a batch from the numbers of its windows."""

    def __len__(self) -> int: ...

    def __getitems__(self, numbers: list[int]) -> Batch: ...


class MappedWindows(Dataset[Batch]):
    """The workload's windows, in its order, as views of memory-mapped float32 arrays."""

    def __init__(self, stores: Path, workload: Workload) -> None:
        flat = FlatTakes.open(stores)
        take, start = visits(flat.n_frames, workload)
        self._workload = workload
        self._take, self._start = take.tolist(), start.tolist()
        self._audio_begin = flat.audio_begins(take, start).tolist()
        self._curves_begin = (flat.curves_begin[take] + start).tolist()
        self._audio, self._curves = (torch.from_numpy(flat.mapped(name)) for name in ("audio_float32", "curves"))

    def __len__(self) -> int:
        return len(self._take)

    def row(self, number: int) -> Row:
        """Window ``number`` of the epoch, as views."""
        audio, curves = self._audio_begin[number], self._curves_begin[number]
        return Row(
            self._audio[audio : audio + self._workload.n_samples],
            self._curves[curves : curves + self._workload.n_frames],
            self._take[number],
            self._start[number],
        )

    def __getitems__(self, numbers: list[int]) -> Batch:
        return stacked([self.row(number) for number in numbers])


class InOrder(Sampler[int]):
    """0 .. n-1 again and again; the data set has the order inside."""

    def __init__(self, n: int) -> None:
        self._n = n

    def __iter__(self) -> Iterator[int]:
        while True:
            yield from range(self._n)


def _as_it_is(batch: Batch) -> Batch:
    return batch


def worker_settings(workers: int) -> dict[str, Any]:
    """How DataLoaders run their worker processes."""
    return {"num_workers": workers} | ({"persistent_workers": True, "prefetch_factor": 4} if workers else {})


def loaded(windows: WholeBatches, workload: Workload, workers: int, loader: Any = DataLoader) -> Iterator[Batch]:
    """Endless batches of a data set that makes whole batches, by torch's DataLoader or one with its arguments."""
    batches: Iterator[Batch] = iter(
        loader(
            windows,
            batch_size=workload.batch_size,
            sampler=InOrder(len(windows)),
            collate_fn=_as_it_is,
            **worker_settings(workers),
        )
    )
    return batches
