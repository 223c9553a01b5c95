"""webdataset: tar shards of whole takes (streams) or of clips (clips, through its shuffle buffer).

Arrays are stored as plain bytes, for its ``.npy`` decoder copies once more; where a sample comes from is in its
key; and the tar has no times, which would each want a header more and cost about a sixth of the rate.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from peers.maps import worker_settings
from peers.rows import Row, float_sound, stacked, windows_of
from workloads import N_CURVES, Batch, Workload

SHUFFLE_CLIPS = 64


def _row(sample: dict[str, Any]) -> Row:
    take, _, start_frame = sample["__key__"].partition("-")
    audio, curves = np.frombuffer(sample["i16"], np.int16), np.frombuffer(sample["f32"], np.float32)
    return Row(torch.from_numpy(audio), torch.from_numpy(curves).view(-1, N_CURVES), int(take), int(start_frame))


def batches(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    wds = importlib.import_module("webdataset")
    shards = sorted(
        str(path) for path in (stores / "webdataset" / ("clips" if workload.shuffled else "takes")).iterdir()
    )

    def cut(samples: Iterable[dict[str, Any]]) -> Iterator[Row]:
        for sample in samples:
            take = _row(sample)
            yield from windows_of(workload, take.take, float_sound(take.audio.numpy()), take.curves)

    samples = wds.WebDataset(shards, shardshuffle=len(shards) if workload.shuffled else False, empty_check=False)
    samples = samples.repeat()
    if workload.shuffled:
        samples = samples.shuffle(SHUFFLE_CLIPS).map(_row)
    else:
        samples = samples.compose(cut)
    batched = samples.batched(workload.batch_size, collation_fn=stacked, partial=False)
    return iter(wds.WebLoader(batched, batch_size=None, **worker_settings(workers)))
