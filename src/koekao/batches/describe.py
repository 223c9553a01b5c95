"""What a batch looks like and how fast it comes: the figures that ``koekao batches`` prints."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import Any

import torch

from koekao.batches.loader import Loader
from koekao.batches.slots import Batch


@dataclass(frozen=True, kw_only=True)
class BatchEntry:
    """One key of a batch: ``shape`` and ``dtype`` of a tensor, or a list's length; ``n_bytes`` of a tensor, else 0."""

    key: str
    shape: tuple[int, ...]
    dtype: str
    n_bytes: int
    example: str


def structure(batch: Batch) -> list[BatchEntry]:
    """Every key of the batch with its shape, dtype, bytes and the values of its small entries."""
    return [_entry(key, value) for key, value in batch.items()]


def _entry(key: str, value: Any) -> BatchEntry:
    if not isinstance(value, torch.Tensor):
        return BatchEntry(key=key, shape=(len(value),), dtype="list of str", n_bytes=0, example=", ".join(value[:4]))
    small = ", ".join(str(entry) for entry in value[:4].tolist()) if value.dim() == 1 else ""
    n_bytes = value.numel() * value.element_size()
    return BatchEntry(
        key=key, shape=tuple(value.shape), dtype=str(value.dtype).removeprefix("torch."), n_bytes=n_bytes, example=small
    )


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """What was measured: ``n_batches`` batches with ``n_windows`` windows of ``n_bytes`` in ``seconds``."""

    n_batches: int
    n_windows: int
    n_bytes: int
    seconds: float
    first_batch_s: float

    @property
    def windows_per_s(self) -> float:
        return self.n_windows / self.seconds

    @property
    def megabytes_per_s(self) -> float:
        return self.n_bytes / self.seconds / 1e6


def measure(loader: Loader, *, seconds: float = 2.0) -> Throughput:
    """Run the loader freely for about ``seconds`` (over epochs again and again where one is shorter)."""
    began = time.perf_counter()
    first, n_batches, n_windows, n_bytes, bytes_a_batch = 0.0, 0, 0, 0, 0
    for batch in itertools.chain.from_iterable(itertools.repeat(loader)):
        first = first or time.perf_counter() - began
        bytes_a_batch = bytes_a_batch or sum(entry.n_bytes for entry in structure(batch))
        n_batches += 1
        n_windows += loader.spec.batch_size - batch["file_names"].count("")  # padding rows have no name
        n_bytes += bytes_a_batch
        if time.perf_counter() - began >= seconds:
            break
    elapsed = time.perf_counter() - began
    return Throughput(n_batches=n_batches, n_windows=n_windows, n_bytes=n_bytes, seconds=elapsed, first_batch_s=first)
