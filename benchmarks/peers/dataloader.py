"""torch's DataLoader: over memory-mapped arrays, and over sound files read by seeking."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from flat import FlatTakes
from peers.maps import MappedWindows, loaded
from workloads import N_CURVES, Batch, Workload, first_samples, visits


def over_memmap(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    return loaded(MappedWindows(stores, workload), workload, workers)


class FileWindows(Dataset[Batch]):
    """Windows by seek and read; files stay open, and each row is decoded straight into its place in the batch."""

    def __init__(self, stores: Path, workload: Workload) -> None:
        flat = FlatTakes.open(stores)
        self._folder, self._names, self._workload = stores / "files", flat.names, workload
        self._take, self._start = visits(flat.n_frames, workload)
        self._begin = first_samples(self._start)
        self._opened = cache(self._open)

    def _open(self, take: int) -> tuple[Any, NDArray[np.float32]]:
        import soundfile

        name = self._names[take]
        curves = np.load(self._folder / f"{name}.npy", mmap_mode="r")
        return soundfile.SoundFile(self._folder / f"{name}.wav"), np.asarray(curves)

    def __getitems__(self, numbers: list[int]) -> Batch:
        audio = torch.empty(len(numbers), self._workload.n_samples)
        curves = torch.empty(len(numbers), self._workload.n_frames, N_CURVES)
        audio_rows, curve_rows = audio.numpy(), curves.numpy()
        for row, number in enumerate(numbers):
            sound, faces = self._opened(int(self._take[number]))
            start = int(self._start[number])
            sound.seek(int(self._begin[number]))
            sound.read(out=audio_rows[row], fill_value=0.0)
            curve_rows[row] = faces[start : start + self._workload.n_frames]
        return {
            "audio": audio,
            "curves": curves,
            "file_indices": torch.from_numpy(self._take[numbers]),
            "start_frames": torch.from_numpy(self._start[numbers]),
        }

    def __len__(self) -> int:
        return len(self._take)


def over_soundfile(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    return loaded(FileWindows(stores, workload), workload, workers)
