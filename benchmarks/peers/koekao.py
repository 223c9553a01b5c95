"""koekao itself, by its public door: inline, with gathering threads ahead, or with batches to keep.

By default its batches lie in memory that is used again, which its neighbours' do not: they belong to whoever holds
them. :func:`to_keep` is the like of theirs.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workloads import Batch, Workload


def _loader(stores: Path, workload: Workload, workers: int, **how: Any) -> Any:
    corpus = importlib.import_module("koekao").open(stores / "koekao" / "corpus")
    how |= {"batch_size": workload.batch_size, "num_workers": workers, "drop_last": True, "short": "skip"}
    how |= {"persistent_workers": True} if workers else {}
    if workload.shuffled:
        return corpus.clips(clip_s=10.0, **how)
    policy = importlib.import_module("koekao").StridePolicy
    stride = workload.stride_frames
    stride = policy(mode="dense") if stride == 1 else policy(mode="sparse", initial_stride=stride)
    return corpus.streams(n_streams=2, window_frames=workload.n_frames, stride=stride, **how)


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    return _endless(_loader(stores, workload, workers), workload)


def to_keep(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    return _endless(_loader(stores, workload, workers, copy=True), workload)


def _endless(loader: Any, workload: Workload) -> Iterator[Batch]:
    sound, curves = ("wav", "arkit") if workload.shuffled else ("audio", "blendshapes")
    for epoch in itertools.count():
        loader.set_epoch(epoch)
        for batch in loader:
            batch["audio"], batch["curves"] = batch[sound], batch[curves]  # only the tensors are lent
            yield batch
