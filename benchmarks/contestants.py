"""Who takes part: koekao, its neighbours, and the limits of the machine."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workloads import Batch, Workload

Kind = Literal["koekao", "peer", "limit"]
BatchesOf = Callable[[Path, Workload, int], Iterator[Batch]]


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One row of the table.

    Attributes:
        name: how it is asked for. label: how it is shown. kind: koekao, peer or limit.
        adapter: ``module:function`` that makes its batches.
        workers: the numbers of workers it is tuned over; one that stands alone is not tuned.
        reads: folders below the stores that it reads, so that they can be brought into the page cache.
    """

    name: str
    label: str
    kind: Kind
    adapter: str
    workers: tuple[int, ...]
    reads: tuple[str, ...]

    def batches(self, stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
        """Its endless batches; its libraries are imported now and not before."""
        module, _, function = self.adapter.partition(":")
        make: BatchesOf = getattr(importlib.import_module(module), function)
        return make(stores, workload, workers)


def _peer(name: str, label: str, adapter: str, *reads: str, workers: tuple[int, ...] = (0, 1, 2, 4)) -> Contestant:
    return Contestant(name=name, label=label, kind="peer", adapter=adapter, workers=workers, reads=reads)


def _koekao(name: str, label: str, workers: int, function: str = "batches") -> Contestant:
    adapter = f"peers.koekao:{function}"
    return Contestant(name=name, label=label, kind="koekao", adapter=adapter, workers=(workers,), reads=("koekao",))


def _limit(name: str, label: str, function: str) -> Contestant:
    adapter = f"limits:{function}"
    return Contestant(name=name, label=label, kind="limit", adapter=adapter, workers=(0,), reads=("flat",))


CONTESTANTS = {
    contestant.name: contestant
    for contestant in (
        _koekao("koekao", "koekao, inline", 0),
        _koekao("koekao-1", "koekao, 1 thread", 1),
        _koekao("koekao-2", "koekao, 2 threads", 2),
        _koekao("koekao-copy", "koekao, inline, to keep", 0, "to_keep"),
        _peer("memmap", "DataLoader, np.memmap", "peers.dataloader:over_memmap", "flat"),
        _peer("soundfile", "DataLoader, soundfile", "peers.dataloader:over_soundfile", "files"),
        _peer("stateful", "StatefulDataLoader", "peers.torchdata:stateful", "flat"),
        _peer("nodes", "torchdata.nodes", "peers.torchdata:nodes", "flat"),
        _peer("grain", "grain", "peers.grain:batches", "flat"),
        _peer("webdataset", "webdataset", "peers.webdataset:batches", "webdataset"),
        _peer("litdata", "litdata", "peers.litdata:batches", "litdata"),
        _peer("mosaic", "mosaicml-streaming", "peers.mosaic:batches", "mosaic"),
        _peer("spdl", "SPDL", "peers.spdl:batches", "flat", workers=(1, 2, 4)),
        _peer("datasets", "HF datasets", "peers.datasets:batches", "datasets"),
        _peer("lhotse", "lhotse Shar", "peers.lhotse:batches", "lhotse"),
        _limit("limit-float32", "limit: float32 copy", "float32_copy"),
        _limit("limit-numba", "limit: int16 in one pass, numba", "int16_numba"),
        _limit("limit-c", "limit: int16 in one pass, C", "int16_c"),
        _limit("limit-2-threads", "limit: int16 in one pass, 2 threads", "int16_two_threads"),
        _limit("limit-float32-2-threads", "limit: float32 copy, 2 threads", "float32_copy_two_threads"),
    )
}
LIMITS_OF_ONE_THREAD = ("limit-numba", "limit-c")
"""The faster of these is "the limit" that ratios are taken of."""
