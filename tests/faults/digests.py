"""One number for all that loaders deliver. Run by itself it prints what another process makes of a corpus."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from typing import Any

import torch

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.corpus import Corpus
from koekao.windows import StridePolicy

SPECS: tuple[Any, ...] = (
    StreamSpec(window_frames=8, stride=StridePolicy(mode="mixed", initial_stride=4), batch_size=6, n_streams=3, seed=7),
    ClipSpec(window_frames=8, batch_size=5, seed=7),
)
ORDER = ("file_indices", "start_frames", "valid_frames", "is_dense", "reset", "gap_frames")


def batches(corpus: Corpus, num_workers: int) -> Iterator[dict[str, Any]]:
    """Two epochs of streams, and two of clips."""
    for spec in SPECS:
        for epoch in (0, 1):
            yield from Loader(corpus, spec, epoch=epoch, num_workers=num_workers)


def digest(corpus: Corpus, num_workers: int = 0, only: tuple[str, ...] = ()) -> str:
    """SHA-256 over every key and value of every batch, in order; or over those of ``only``."""
    total = hashlib.sha256()
    for batch in batches(corpus, num_workers):
        for key in only or batch.keys():
            value = batch.get(key)
            is_tensor = isinstance(value, torch.Tensor)
            total.update(f"{key} {value.dtype} {tuple(value.shape)}".encode() if is_tensor else repr(value).encode())
            total.update(value.numpy().tobytes() if is_tensor else b"")
    return total.hexdigest()


if __name__ == "__main__":
    print(digest(Corpus.open(sys.argv[1]), int(sys.argv[2])))
