"""Streams as a ``torch.utils.data`` dataset, for people who want torch's DataLoader around them.

``AdaptiveSequentialDataset`` yields single windows in such an order that a DataLoader with the same ``batch_size``
collates exactly the loader's batches, whatever ``num_workers``: worker w of W yields the windows of batches w, w+W and
so on, and a DataLoader takes its workers in turn. The epoch lives in shared memory, so ``set_epoch`` reaches persistent
workers. For clips see :mod:`koekao.batches.clip_views`.

It has ``state_dict`` and ``load_state_dict``, as torchdata's StatefulDataLoader asks for them: a position is found
directly, nothing is skipped one by one. Items are owned: they may be kept.

What it gives up: a plain DataLoader with worker processes does not tell its dataset how far it came, so only a
StatefulDataLoader (or no workers) resumes by itself; and a batch that is sent between processes costs more than it
takes to make. :class:`~koekao.batches.Loader` has neither trouble.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cached_property
from typing import Any

from torch.utils.data import IterableDataset, get_worker_info

from koekao.batches.items import Item, Progress, SharedEpoch, Transform, row_of, transformed
from koekao.batches.owned import OwnedSlots
from koekao.batches.position import identity, refuse_other, refuse_outside, this_rank
from koekao.batches.sources import PlannedBlocks, Sources
from koekao.batches.spec import StreamSpec
from koekao.corpus import Corpus
from koekao.errors import CorpusError
from koekao.windows import StreamPlan


class AdaptiveSequentialDataset(IterableDataset[Item]):
    """Consecutive windows, stream-major, for ``DataLoader(dataset, batch_size=spec.batch_size, num_workers=...)``.

    Each item has the keys of a stream batch without the batch dimension; ``len`` counts the items of the epoch,
    padding rows (``valid_frames`` 0) included. Do not let the DataLoader shuffle.

    >>> import koekao
    >>> from torch.utils.data import DataLoader
    >>> windows = koekao.AdaptiveSequentialDataset(koekao.open("corpus"), batch_size=4, n_streams=2, window_frames=64)
    >>> tuple(next(iter(DataLoader(windows, batch_size=4)))["blendshapes"].shape)
    (4, 64, 52)

    Args:
        corpus: where the takes lie.
        spec: what the batches are; or its settings by name.
        transform: applied to each item (padding rows too), with a generator from (seed, epoch, window).
        rank, world_size: as in :class:`~koekao.batches.Loader`: each process gets its own streams, by default as
            torch.distributed says.

    Raises:
        BatchError: no shared memory is left for the epoch.
    """

    def __init__(
        self,
        corpus: Corpus,
        spec: StreamSpec | None = None,
        *,
        transform: Transform | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        **settings: Any,
    ) -> None:
        self.corpus, self.spec, self.transform = corpus, spec or StreamSpec(**settings), transform
        self.rank, self.world_size = this_rank(rank, world_size)
        self._epoch = SharedEpoch()
        self._at = Progress(0)
        """Where this process's newest iteration stands."""
        self._resume: Progress | None = None
        """Where its next one begins, after a position was loaded."""

    def set_epoch(self, epoch: int) -> None:
        """Go to ``epoch``; persistent workers follow when they are asked for their next iterator."""
        self._epoch.set(int(epoch))
        if epoch != self._at.epoch:
            self._at, self._resume = Progress(int(epoch)), None

    def plan(self) -> StreamPlan:
        """The plan of the present epoch, for all ranks together."""
        return self._plan(self._epoch.get())

    def _plan(self, epoch: int) -> StreamPlan:
        return self.spec.plan(self.corpus.n_frames, epoch, self.world_size)

    def __len__(self) -> int:
        return self.plan().n_batches * self.spec.batch_size

    def __iter__(self) -> Iterator[Item]:
        at, self._resume = self._resume or Progress(self._epoch.get()), None
        self._at = at  # now, not with the first item: a StatefulDataLoader asks where we stand before that
        return self._items(at)

    def _items(self, at: Progress) -> Iterator[Item]:
        """The items from ``at`` on, which goes along."""
        worker, n_workers = _this_worker()
        plan, sources = self._plan(at.epoch), Sources(self.corpus, self.spec)
        blocks, slots = PlannedBlocks(sources, plan, self.rank), OwnedSlots(sources, most=2)
        begun, first_row = divmod(at.items, self.spec.batch_size)
        for number in range(worker + begun * n_workers, plan.n_batches, n_workers):
            slot = slots.new(self.spec.batch_size)
            batch = slot.batch(blocks.fill(number, slot))
            for row in range(first_row, self.spec.batch_size):
                item = transformed(row_of(batch, row), self.transform, self.spec.seed, at.epoch)
                at.items += 1
                yield item
            first_row = 0

    def state_dict(self) -> dict[str, Any]:
        """Where this process's iteration stands: how many items of which epoch it has yielded, as which worker."""
        worker, n_workers = _this_worker()
        at = {"epoch": self._at.epoch, "items": self._at.items, "worker": worker, "num_workers": n_workers}
        return deepcopy(self._identity) | at

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return identity(self.corpus, self.spec, self.world_size)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stand where ``state`` was saved; the next iteration yields the rest of that epoch.

        Raises:
            CorpusError: as :meth:`koekao.batches.Loader.load_state_dict`; or it was saved by another number of workers.
        """
        here = self.state_dict()
        refuse_other(state, here)
        for key in ("worker", "num_workers"):
            if state[key] != here[key]:
                what = f"the saved position has {key} {state[key]!r}, here it is {here[key]!r}"
                raise CorpusError(what, do="resume with as many workers, or use a koekao Loader, which need not")
        at = Progress(int(state["epoch"]), int(state["items"]))
        n_batches = -(-(self._plan(at.epoch).n_batches - here["worker"]) // here["num_workers"])
        n_items = max(0, n_batches) * self.spec.batch_size
        refuse_outside(at.items, n_items, "item")
        self._epoch.take_up(at.epoch, is_over=at.items == n_items)
        self._at = self._resume = at


def _this_worker() -> tuple[int, int]:
    """(number, of how many) of the DataLoader's worker process that runs this; (0, 1) outside of one."""
    worker = get_worker_info()
    return (worker.id, worker.num_workers) if worker else (0, 1)
