"""grain: a random-access source of views, batched, read by its threads."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from flat import FlatTakes
from workloads import Batch, Workload, visits


class WindowSource:
    """Windows as numpy views of the flat store, by number."""

    def __init__(self, stores: Path, workload: Workload) -> None:
        flat = FlatTakes.open(stores)
        take, start = visits(flat.n_frames, workload)
        self._take, self._start = take.tolist(), start.tolist()
        self._audio_begin = flat.audio_begins(take, start).tolist()
        self._curves_begin = (flat.curves_begin[take] + start).tolist()
        self._workload = workload
        self._audio, self._curves = flat.mapped("audio_float32"), flat.mapped("curves")

    def __len__(self) -> int:
        return len(self._take)

    def __getitem__(self, number: int) -> dict[str, Any]:
        audio, curves = self._audio_begin[number], self._curves_begin[number]
        return {
            "audio": self._audio[audio : audio + self._workload.n_samples],
            "curves": self._curves[curves : curves + self._workload.n_frames],
            "file_indices": self._take[number],
            "start_frames": self._start[number],
        }


def _stacked(windows: Sequence[dict[str, Any]]) -> Batch:
    return {key: torch.from_numpy(np.stack([window[key] for window in windows])) for key in windows[0]}


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    grain = importlib.import_module("grain")
    windows = grain.MapDataset.source(WindowSource(stores, workload)).repeat()
    ahead = grain.ReadOptions(num_threads=workers, prefetch_buffer_size=max(4, workers) if workers else 0)
    return iter(windows.batch(workload.batch_size, batch_fn=_stacked).to_iter_dataset(ahead))
