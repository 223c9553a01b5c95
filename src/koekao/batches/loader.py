"""The loader: a plan's batches, gathered ahead by threads, delivered in order, resumable at every step.

``num_workers`` threads gather (0 = inline); at most ``num_workers * prefetch_factor`` batches wait. Order and content
come from the plan alone, so they are the same for any number of threads. Threads, not processes: a gather is a few
memory copies with the interpreter lock released, and sending a batch between processes costs more than making it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypedDict

import torch

from koekao.batches.buffers import Buffers
from koekao.batches.gather import Batch, gather
from koekao.batches.spec import Plan, Spec, spec_dict
from koekao.corpus import Corpus
from koekao.errors import ConfigError, CorpusError

STATE_VERSION = 1


class HowLoaded(TypedDict, total=False):
    """The settings of :class:`Loader` that do not change what the batches are; all may be left out."""

    epoch: int
    num_workers: int
    pin_memory: bool
    persistent_workers: bool
    prefetch_factor: int
    rank: int | None
    world_size: int | None


class Loader:
    """Iterate over the batches of one epoch of a corpus; iterate again for the same epoch, ``set_epoch`` for another.

    Args:
        corpus: where the takes lie.
        spec: what the batches are (:class:`~koekao.batches.spec.StreamSpec` or ``ClipSpec``).
        epoch: the epoch to begin with.
        num_workers: gathering threads; 0 gathers in the calling thread.
        pin_memory: allocate batches in pinned memory, for asynchronous copies to a CUDA device (ignored without CUDA).
        persistent_workers: keep the threads between epochs.
        prefetch_factor: batches that each thread may be ahead.
        rank, world_size: this process's share of each batch; by default what torch.distributed says, else 0 of 1.
    """

    def __init__(
        self,
        corpus: Corpus,
        spec: Spec,
        *,
        epoch: int = 0,
        num_workers: int = 0,
        pin_memory: bool = False,
        persistent_workers: bool = False,
        prefetch_factor: int = 2,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        if num_workers < 0 or prefetch_factor < 1:
            raise ConfigError(
                f"num_workers {num_workers}, prefetch_factor {prefetch_factor}", expected="at least 0, at least 1"
            )
        self.corpus, self.spec = corpus, spec
        self.num_workers, self.prefetch_factor = num_workers, prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory = pin_memory and torch.cuda.is_available()
        self.rank, self.world_size = this_rank(rank, world_size)
        self._threads: ThreadPoolExecutor | None = None
        self._buffers = Buffers(most=2 + num_workers * (1 + prefetch_factor))
        self._position = self._resume_at = 0
        self.epoch = int(epoch)
        self.plan = self._plan(self.epoch)

    def __len__(self) -> int:
        """Batches in this epoch."""
        return self.plan.n_batches

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of ``epoch``: another order, another stride. A position loaded for this epoch is kept."""
        if epoch != self.epoch:
            self.plan = self._plan(int(epoch))  # first, so that an epoch without windows changes nothing
            self.epoch, self._position, self._resume_at = int(epoch), 0, 0

    def batch(self, number: int) -> Batch:
        """Batch ``number`` of this epoch, this rank's rows of it, by itself.

        Raises:
            IndexError: not one of the epoch's batches.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"batch {number} of an epoch of {len(self)}")
        return self._gather(self.plan, number)

    def _gather(self, plan: Plan, number: int) -> Batch:
        rows = plan.batch(number)
        share = self.spec.batch_size
        mine = rows[self.rank * share : (self.rank + 1) * share]
        return gather(self.corpus, self.spec, mine, buffers=self._buffers, pin_memory=self.pin_memory)

    def __iter__(self) -> Iterator[Batch]:
        first, self._resume_at = self._resume_at, 0
        self._position = first
        plan = self.plan  # an iterator stays in the epoch it began, whatever the loader is told meanwhile
        numbers = range(first, plan.n_batches)
        for number, batch in zip(numbers, self._gathered(plan, numbers), strict=True):
            if plan is self.plan:
                self._position = number + 1
            yield batch

    def _gathered(self, plan: Plan, numbers: range) -> Iterator[Batch]:
        make = partial(self._gather, plan)
        if not self.num_workers:
            yield from map(make, numbers)
            return
        threads = self._threads or ThreadPoolExecutor(self.num_workers, thread_name_prefix="koekao-gather")
        self._threads = threads if self.persistent_workers else None
        waiting: deque[Future[Batch]] = deque()
        try:
            for number in numbers:
                waiting.append(threads.submit(make, number))
                if len(waiting) > self.num_workers * self.prefetch_factor:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            if not self.persistent_workers:
                threads.shutdown(wait=True)

    def close(self) -> None:
        """Stop persistent threads; the loader may still be used and starts new ones."""
        if self._threads:
            self._threads.shutdown(wait=True)
            self._threads = None

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands, as JSON values: the next batch to deliver, and what it would be a batch of."""
        return {
            "version": STATE_VERSION,
            "corpus": self.corpus.id,
            "takes": _fingerprint(self.corpus),
            "spec": spec_dict(self.spec),
            "world_size": self.world_size,
            "epoch": self.epoch,
            "batch": self._position,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stand where ``state`` was saved; the next iteration delivers the rest of that epoch, bit for bit.

        Raises:
            CorpusError: the position was saved on another corpus, other takes, or other batches; both values are named.
        """
        here = self.state_dict()
        for key in ("version", "corpus", "takes", "spec", "world_size"):
            if state.get(key) != here[key]:
                what, saved, present = _difference(key, state.get(key), here[key])
                raise CorpusError(
                    f"the saved position has {what} {saved!r}, this loader has {present!r}",
                    do="make the loader as it was made when the position was saved, or start a new run",
                )
        self.set_epoch(int(state["epoch"]))
        batch = int(state["batch"])
        if not 0 <= batch <= len(self):
            raise CorpusError(f"the saved position is batch {batch} of an epoch of {len(self)}", do="start a new run")
        self._position = self._resume_at = batch

    def _plan(self, epoch: int) -> Plan:
        return self.spec.plan(self.corpus.n_frames, epoch, self.world_size)


def _difference(key: str, saved: Any, present: Any) -> tuple[str, Any, Any]:
    """The first setting in which two values differ, walking into dictionaries."""
    if isinstance(saved, dict) and isinstance(present, dict):
        for name in sorted(saved.keys() | present.keys()):
            if saved.get(name) != present.get(name):
                return _difference(f"{key}.{name}", saved.get(name), present.get(name))
    return key, saved, present


def _fingerprint(corpus: Corpus) -> str:
    """Which takes of the corpus are here: their number and a hash of their ids."""
    return f"{len(corpus)}:{hashlib.sha256(corpus.take_ids.astype('<i8').tobytes()).hexdigest()[:16]}"


def this_rank(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """(rank, world_size) as stated; where neither is, what torch.distributed says, else (0, 1).

    Raises:
        ConfigError: a rank outside of the world, or several ranks without saying which this is.
    """
    if rank is None and world_size is None and torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    if rank is None and world_size not in (None, 1):
        raise ConfigError(f"world_size {world_size} without a rank", expected="both or neither")
    rank, world_size = rank or 0, 1 if world_size is None else world_size
    if not 0 <= rank < world_size:
        raise ConfigError(f"rank {rank} of {world_size}", expected="0 <= rank < world_size")
    return rank, world_size
