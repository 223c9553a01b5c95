"""koekao itself, by its public door: inline, or with gathering threads ahead."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workloads import Batch, Workload


def _loader(stores: Path, workload: Workload, workers: int) -> Any:
    corpus = importlib.import_module("koekao").open(stores / "koekao" / "corpus")
    how = {"batch_size": workload.batch_size, "num_workers": workers, "drop_last": True, "short": "skip"}
    how |= {"persistent_workers": True} if workers else {}
    if workload.shuffled:
        return corpus.clips(clip_s=10.0, **how)
    policy = importlib.import_module("koekao").StridePolicy
    stride = workload.stride_frames
    stride = policy(mode="dense") if stride == 1 else policy(mode="sparse", initial_stride=stride)
    return corpus.streams(n_streams=2, window_frames=workload.n_frames, stride=stride, **how)


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    loader = _loader(stores, workload, workers)
    sound, curves = ("wav", "arkit") if workload.shuffled else ("audio", "blendshapes")
    for epoch in itertools.count():
        loader.set_epoch(epoch)
        for batch in loader:
            yield {**batch, "audio": batch[sound], "curves": batch[curves]}
