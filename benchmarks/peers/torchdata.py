"""torchdata: StatefulDataLoader, and the pipeline of nodes with threads."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from peers.maps import InOrder, MappedWindows, loaded
from workloads import Batch, Workload


def stateful(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    loader = importlib.import_module("torchdata.stateful_dataloader").StatefulDataLoader
    return loaded(MappedWindows(stores, workload), workload, workers, loader)


def nodes(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    """0 workers: inline. 1: inline behind one prefetching thread. More: that many mapping threads."""
    nodes = importlib.import_module("torchdata.nodes")
    windows = MappedWindows(stores, workload)
    node = nodes.Batcher(nodes.SamplerWrapper(InOrder(len(windows))), workload.batch_size)
    if workers > 1:
        node = nodes.ParallelMapper(node, windows.__getitems__, num_workers=workers, method="thread")
    else:
        node = nodes.Mapper(node, windows.__getitems__)
    if workers:
        node = nodes.Prefetcher(node, prefetch_factor=4)
    return iter(nodes.Loader(node))
