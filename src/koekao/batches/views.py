"""The same batches as ``torch.utils.data`` datasets, for people who want torch's DataLoader around them.

``AdaptiveSequentialDataset`` yields single windows in such an order that a DataLoader with the same ``batch_size``
collates exactly the loader's batches, whatever ``num_workers``: worker w of W yields the windows of batches w, w+W and
so on, and a DataLoader takes its workers in turn. The epoch lives in shared memory, so ``set_epoch`` reaches persistent
workers. ``ClipDataset`` gives clips by number, ``ClipSampler`` the numbers of one rank.

All of them have ``state_dict`` and ``load_state_dict``, as torchdata's StatefulDataLoader asks for them: a position is
found directly, nothing is skipped one by one. Items are owned: they may be kept.

What it gives up: a plain DataLoader with worker processes does not tell its dataset how far it came, so only a
StatefulDataLoader (or no workers) resumes by itself; and a batch that is sent between processes costs more than it
takes to make. :class:`~koekao.batches.Loader` has neither trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from koekao.batches.buffers import Buffers
from koekao.batches.gather import gather_rows
from koekao.batches.position import identity, refuse_other, refuse_outside, this_rank
from koekao.batches.slots import Batch, Layout, Slot
from koekao.batches.sources import PlannedBlocks, Sources
from koekao.batches.spec import ClipSpec, StreamSpec
from koekao.corpus import Corpus
from koekao.errors import BatchError, CorpusError, KoekaoError
from koekao.windows import ClipPlan, StreamPlan, window_generator

PADDING = -(1 << 62)
"""The number of a clip that only fills a batch up."""

Item = dict[str, Any]
"""One window: the keys of a batch without the batch dimension."""

Transform = Callable[[Item, np.random.Generator], Item]
"""Changes an item, with a generator of its own made from (seed, epoch, take, start frame)."""


class _SharedEpoch:
    """A whole number that every worker process sees, forked or spawned."""

    def __init__(self) -> None:
        self._value: Any = torch.zeros(1, dtype=torch.int64)
        self._value.share_memory_()  # type: ignore[no-untyped-call,unused-ignore]

    def get(self) -> int:
        return int(self._value[0])

    def set(self, epoch: int) -> None:
        self._value[0] = epoch


class AdaptiveSequentialDataset(IterableDataset[Item]):
    """Consecutive windows, stream-major, for ``DataLoader(dataset, batch_size=spec.batch_size, num_workers=...)``.

    Each item has the keys of a stream batch without the batch dimension; ``len`` counts the items of the epoch,
    padding rows (``valid_frames`` 0) included. Do not let the DataLoader shuffle.

    Args:
        corpus: where the takes lie.
        spec: what the batches are; or its settings by name.
        transform: applied to each item that holds a window, with a generator from (seed, epoch, window).
        rank, world_size: as in :class:`~koekao.batches.Loader`: each process gets its own streams, by default as
            torch.distributed says.
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
        self._epoch = _SharedEpoch()
        self._buffers = Buffers(most=2)
        self._items = self._resume_at = 0

    def set_epoch(self, epoch: int) -> None:
        """Go to ``epoch``; persistent workers follow when they are asked for their next iterator."""
        if epoch != self._epoch.get():
            self._epoch.set(epoch)
            self._items = self._resume_at = 0

    def plan(self) -> StreamPlan:
        """The plan of the present epoch, for all ranks together."""
        return self.spec.plan(self.corpus.n_frames, self._epoch.get(), self.world_size)

    def __len__(self) -> int:
        return self.plan().n_batches * self.spec.batch_size

    def __iter__(self) -> Iterator[Item]:
        worker, n_workers = _this_worker()
        first, self._resume_at = self._resume_at, 0
        self._items = first
        epoch, plan, sources = self._epoch.get(), self.plan(), Sources(self.corpus, self.spec)
        blocks = PlannedBlocks(sources, plan, self.rank)
        layout = Layout(sources)
        begun, row_of_first = divmod(first, self.spec.batch_size)
        for number in range(worker + begun * n_workers, plan.n_batches, n_workers):
            slot = Slot(layout, self.spec.batch_size, self._buffers.empty)
            batch = slot.batch(blocks.fill(number, slot))
            for row in range(row_of_first, self.spec.batch_size):
                self._items += 1
                yield transformed(_row(batch, row), self.transform, self.spec.seed, epoch)
            row_of_first = 0

    def state_dict(self) -> dict[str, Any]:
        """Where this process's iteration stands: how many items of which epoch it has yielded, as which worker."""
        worker, n_workers = _this_worker()
        here = identity(self.corpus, self.spec, self.world_size)
        return here | {"epoch": self._epoch.get(), "items": self._items, "worker": worker, "num_workers": n_workers}

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
        self._epoch.set(int(state["epoch"]))
        own = -(-(self.plan().n_batches - here["worker"]) // here["num_workers"])
        refuse_outside(int(state["items"]), max(0, own) * self.spec.batch_size, "item")
        self._items = self._resume_at = int(state["items"])


class ClipDataset(Dataset[Item]):
    """Clips by number, in the shuffled order of the present epoch, for any sampler a DataLoader brings.

    With :class:`ClipSampler` the batches are the loader's, rank by rank, padding rows at the end included.
    ``transform`` as in :class:`AdaptiveSequentialDataset`.
    """

    def __init__(
        self, corpus: Corpus, spec: ClipSpec | None = None, *, transform: Transform | None = None, **settings: Any
    ) -> None:
        self.corpus, self.spec, self.transform = corpus, spec or ClipSpec(**settings), transform
        self._epoch = _SharedEpoch()
        self._buffers = Buffers(most=2)
        self._sources = Sources(corpus, self.spec)
        self._planned: tuple[int, ClipPlan] | None = None

    def set_epoch(self, epoch: int) -> None:
        """Go to ``epoch``: another order of the same clips."""
        self._epoch.set(epoch)

    @property
    def epoch(self) -> int:
        return self._epoch.get()

    def plan(self) -> ClipPlan:
        """The plan of the present epoch."""
        if self._planned is None or self._planned[0] != self.epoch:
            self._planned = self.epoch, self.spec.plan(self.corpus.n_frames, self.epoch, 1)
        return self._planned[1]

    def __len__(self) -> int:
        return self.plan().n_windows

    def __getitem__(self, index: int) -> Item:
        """The clip at place ``index`` of the epoch's order."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> list[Item]:
        """Several clips at once, as a DataLoader asks for them; ``PADDING`` gives a padding row.

        Raises:
            IndexError: not one of the epoch's clips.
        """
        plan = self.plan()
        for index in indices:
            if index != PADDING and not 0 <= index < plan.n_windows:
                raise IndexError(index)
        places = np.array([plan.n_windows if index == PADDING else index for index in indices], np.int64)
        batch = gather_rows(self._sources, plan.windows(places), self._buffers.empty)
        rows = (_row(batch, row) for row in range(len(indices)))
        return [transformed(item, self.transform, self.spec.seed, self.epoch) for item in rows]

    def __iter__(self) -> Iterator[Item]:
        """Every clip once, in order."""
        return (self[index] for index in range(len(self)))

    def state_dict(self) -> dict[str, Any]:
        """Which clips in which order; how far an iteration came is the sampler's to say."""
        return identity(self.corpus, self.spec, 1) | {"epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the epoch of ``state``; CorpusError, with both values, if it was saved of other clips."""
        refuse_other(state, identity(self.corpus, self.spec, 1))
        self.set_epoch(int(state["epoch"]))


class ClipSampler(Sampler[int]):
    """The numbers of this rank's clips, batch by batch, so that a DataLoader of the spec's ``batch_size`` collates the
    loader's batches: ``DataLoader(clips, batch_size=spec.batch_size, sampler=ClipSampler(clips))``.

    Its position is one number, so a StatefulDataLoader resumes anywhere at once.
    """

    def __init__(self, clips: ClipDataset, *, rank: int | None = None, world_size: int | None = None) -> None:
        self.clips = clips
        self.rank, self.world_size = this_rank(rank, world_size)
        self._yielded = self._resume_at = 0

    def __len__(self) -> int:
        n_rows = self.clips.spec.batch_size
        per_step, n_windows = n_rows * self.world_size, len(self.clips)
        steps = n_windows // per_step if self.clips.spec.drop_last else -(-n_windows // per_step)
        return steps * n_rows

    def __iter__(self) -> Iterator[int]:
        first, self._resume_at = self._resume_at, 0
        n_rows, n_windows = self.clips.spec.batch_size, len(self.clips)
        for place in range(first, len(self)):
            step, row = divmod(place, n_rows)
            index = (step * self.world_size + self.rank) * n_rows + row
            self._yielded = place + 1
            yield index if index < n_windows else PADDING

    def state_dict(self) -> dict[str, Any]:
        """How many numbers of the epoch were given."""
        return {"epoch": self.clips.epoch, "items": self._yielded, "world_size": self.world_size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stand where ``state`` was saved; CorpusError if it was saved by one of another number of ranks."""
        if state["world_size"] != self.world_size:
            what = f"the saved position has world_size {state['world_size']}, here it is {self.world_size}"
            raise CorpusError(what, do="resume with as many ranks, or use a koekao Loader, which need not")
        self.clips.set_epoch(int(state["epoch"]))
        refuse_outside(int(state["items"]), len(self), "item")
        self._yielded = self._resume_at = int(state["items"])


def transformed(item: Item, transform: Transform | None, seed: int, epoch: int) -> Item:
    """The item as ``transform`` changes it; padding rows are left as they are.

    Raises:
        BatchError: the transform raised something. It is told here in words, for a worker process can hand on nothing
            else: not every exception can be pickled.
    """
    if transform is None or not int(item["valid_frames"]):
        return item
    take, start = int(item["file_indices"]), int(item["start_frames"])
    try:
        return transform(item, window_generator(seed, epoch, take, start))
    except KoekaoError:
        raise
    except Exception as error:
        where = f"{item['file_names']}:frame {start}"
        what = f"the transform raised {type(error).__name__}: {error}"
        raise BatchError(what, where=where, do="mend the transform; the window itself is whole") from error


def _row(batch: Batch, row: int) -> Item:
    return {key: value[row] for key, value in batch.items()}


def _this_worker() -> tuple[int, int]:
    """(number, of how many) of the DataLoader's worker process that runs this; (0, 1) outside of one."""
    worker = get_worker_info()
    return (worker.id, worker.num_workers) if worker else (0, 1)
