"""lhotse: its Shar format, whole takes (streams) or clips (clips, through its shuffle buffer)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from peers.maps import worker_settings
from peers.rows import Row, batched, windows_of
from workloads import Batch, Workload

SHUFFLE_CLIPS = 64


def _row(cut: Any) -> Row:
    curves = torch.from_numpy(cut.load_curves())
    return Row(torch.from_numpy(cut.load_audio()[0]), curves, cut.custom["take"], cut.custom["start_frame"])


class SharWindows(IterableDataset[Batch]):
    """Endless batches of the cuts in a Shar folder."""

    def __init__(self, folder: Path, workload: Workload) -> None:
        self._folder, self._workload = folder, workload

    def _rows(self) -> Iterator[Row]:
        shuffled = self._workload.shuffled
        cuts = importlib.import_module("lhotse").CutSet.from_shar(
            in_dir=str(self._folder), shuffle_shards=shuffled, stateful_shuffle=shuffled, split_for_dataloading=True
        )
        cuts = cuts.repeat()
        if shuffled:
            yield from map(_row, cuts.shuffle(buffer_size=SHUFFLE_CLIPS))
            return
        for take in map(_row, cuts):
            yield from windows_of(self._workload, take.take, take.audio, take.curves)

    def __iter__(self) -> Iterator[Batch]:
        return batched(self._rows(), self._workload.batch_size)


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    folder = stores / "lhotse" / ("clips" if workload.shuffled else "takes")
    return iter(DataLoader(SharWindows(folder, workload), batch_size=None, **worker_settings(workers)))
