"""The same batches as ``torch.utils.data`` datasets, for people who want torch's DataLoader around them.

``AdaptiveSequentialDataset`` yields single windows in such an order that a DataLoader with the same ``batch_size``
collates exactly the loader's batches, whatever ``num_workers``: worker w of W yields the windows of batches w, w+W and
so on, and a DataLoader takes its workers in turn. The epoch lives in shared memory, so ``set_epoch`` reaches persistent
workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from koekao.batches.buffers import Buffers
from koekao.batches.gather import Batch, gather
from koekao.batches.loader import this_rank
from koekao.batches.spec import ClipSpec, StreamSpec
from koekao.corpus import Corpus
from koekao.windows import ClipPlan, StreamPlan


class _SharedEpoch:
    """A whole number that every worker process sees, forked or spawned."""

    def __init__(self) -> None:
        self._value: Any = torch.zeros(1, dtype=torch.int64)
        self._value.share_memory_()  # type: ignore[no-untyped-call,unused-ignore]

    def get(self) -> int:
        return int(self._value[0])

    def set(self, epoch: int) -> None:
        self._value[0] = epoch


class AdaptiveSequentialDataset(IterableDataset[dict[str, Any]]):
    """Consecutive windows, stream-major, for ``DataLoader(dataset, batch_size=spec.batch_size, num_workers=...)``.

    Each item has the keys of a stream batch without the batch dimension; ``len`` counts the items of the epoch,
    padding rows (``valid_frames`` 0) included. Do not let the DataLoader shuffle. ``rank`` and ``world_size`` are as in
    :class:`~koekao.batches.Loader`: each process gets its own streams, by default as torch.distributed says.
    """

    def __init__(
        self,
        corpus: Corpus,
        spec: StreamSpec | None = None,
        *,
        rank: int | None = None,
        world_size: int | None = None,
        **settings: Any,
    ) -> None:
        self.corpus, self.spec = corpus, spec or StreamSpec(**settings)
        self.rank, self.world_size = this_rank(rank, world_size)
        self._epoch = _SharedEpoch()
        self._buffers = Buffers(most=2)

    def set_epoch(self, epoch: int) -> None:
        """Go to ``epoch``; persistent workers follow when they are asked for their next iterator."""
        self._epoch.set(epoch)

    def plan(self) -> StreamPlan:
        """The plan of the present epoch, for all ranks together."""
        return self.spec.plan(self.corpus.n_frames, self._epoch.get(), self.world_size)

    def __len__(self) -> int:
        return self.plan().n_batches * self.spec.batch_size

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        plan, share = self.plan(), self.spec.batch_size
        for number in range(first, plan.n_batches, step):
            rows = plan.batch(number)[self.rank * share : (self.rank + 1) * share]
            batch = gather(self.corpus, self.spec, rows, buffers=self._buffers)
            for row in range(share):
                yield _row(batch, row)


class ClipDataset(Dataset[dict[str, Any]]):
    """Clips by number, in the shuffled order of the present epoch, for any sampler a DataLoader brings."""

    def __init__(self, corpus: Corpus, spec: ClipSpec | None = None, **settings: Any) -> None:
        self.corpus, self.spec = corpus, spec or ClipSpec(**settings)
        self._epoch = _SharedEpoch()
        self._buffers = Buffers(most=2)
        self._planned: tuple[int, ClipPlan] | None = None

    def set_epoch(self, epoch: int) -> None:
        """Go to ``epoch``: another order of the same clips."""
        self._epoch.set(epoch)

    def plan(self) -> ClipPlan:
        """The plan of the present epoch."""
        epoch = self._epoch.get()
        if self._planned is None or self._planned[0] != epoch:
            self._planned = epoch, self.spec.plan(self.corpus.n_frames, epoch, 1)
        return self._planned[1]

    def __len__(self) -> int:
        return self.plan().n_windows

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = self.plan().windows(np.array([index], np.int64))
        return _row(gather(self.corpus, self.spec, rows, buffers=self._buffers), 0)


def _row(batch: Batch, row: int) -> dict[str, Any]:
    return {key: value[row] for key, value in batch.items()}
