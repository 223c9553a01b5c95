"""mosaicml-streaming: MDS shards of whole takes (streams) or of clips (clips, shuffled by its own order)."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from peers.maps import worker_settings
from peers.rows import Row, batched, float_sound, forever, stacked, windows_of
from workloads import Batch, Workload


def streaming() -> ModuleType:
    """The library, without its image data sets where torchvision, which they need, is not there."""
    if importlib.util.find_spec("torchvision") is None:
        sys.modules.setdefault("streaming.vision", ModuleType("streaming.vision"))
    return importlib.import_module("streaming")


class TakeWindows(IterableDataset[Batch]):
    """Batches of windows cut from whole takes."""

    def __init__(self, takes: Any, workload: Workload) -> None:
        self._takes, self._workload = takes, workload

    def _rows(self) -> Iterator[Row]:
        for take in self._takes:
            curves = torch.from_numpy(take["curves"])
            yield from windows_of(self._workload, take["take"], float_sound(take["audio"]), curves)

    def __iter__(self) -> Iterator[Batch]:
        return batched(self._rows(), self._workload.batch_size)


def _stacked_clips(clips: list[dict[str, Any]]) -> Batch:
    return stacked(
        [
            Row(torch.from_numpy(clip["audio"]), torch.from_numpy(clip["curves"]), clip["take"], clip["start_frame"])
            for clip in clips
        ]
    )


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    dataset = streaming().StreamingDataset
    folder, settings = stores / "mosaic", worker_settings(workers)
    if workload.shuffled:
        size = workload.batch_size
        clips = dataset(local=str(folder / "clips"), shuffle=True, batch_size=size)
        return forever(DataLoader(clips, batch_size=size, collate_fn=_stacked_clips, drop_last=True, **settings))
    takes = dataset(local=str(folder / "takes"), shuffle=False, batch_size=1)
    return forever(DataLoader(TakeWindows(takes, workload), batch_size=None, **settings))
