"""The loader: a plan's batches in order, gathered inline or ahead by threads, resumable at every step.

Order and content come from the plan alone, so they are the same for any number of threads. ``num_workers`` threads
gather (0 = inline), all together row by row; at most ``prefetch_factor`` batches wait.

**How long a batch stays as it is.** Batches are made in a ring of reused memory. A batch stays valid until the
next-but-``prefetch_factor`` one is asked for: with threads (``prefetch_factor`` 1 by default) a batch and the one
before it may be held together; inline (0 by default) it is valid until the next is asked for. Whoever wants to keep
batches says ``copy=True`` and owns each, or copies what is to be kept; whoever forgets is warned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, TypedDict

import torch

from koekao.batches.buffers import pinned_memory
from koekao.batches.crew import Ahead, Crew
from koekao.batches.owned import OwnedSlots
from koekao.batches.position import identity, refuse_other, refuse_outside, this_rank
from koekao.batches.ring import OwnedPlace, Place, Ring, plain_place
from koekao.batches.slots import Batch, Layout, Slot
from koekao.batches.sources import PlannedBlocks, Sources
from koekao.batches.spec import Plan, Spec
from koekao.batches.transfer import DevicePlace, Wire, wire_to
from koekao.corpus import Corpus
from koekao.errors import ConfigError

PREFETCHED = 1
"""Batches that threads may be ahead, where nothing else is said: more take memory, and leave the cache sooner."""


class HowLoaded(TypedDict, total=False):
    """The settings of :class:`Loader` that do not change what the batches are; all may be left out."""

    epoch: int
    num_workers: int
    pin_memory: bool
    persistent_workers: bool
    prefetch_factor: int | None
    copy: bool
    device: str | torch.device | Wire | None
    timeout_s: float
    rank: int | None
    world_size: int | None


class Loader:
    """Iterate over the batches of one epoch of a corpus; iterate again for the same epoch, ``set_epoch`` for another.

    Args:
        corpus: where the takes lie.
        spec: what the batches are (:class:`~koekao.batches.spec.StreamSpec` or ``ClipSpec``).
        epoch: the epoch to begin with.
        num_workers: gathering threads; 0 gathers in the calling thread.
        pin_memory: owned batches in pinned memory, for asynchronous copies to a CUDA device that you make yourself
            (ignored without CUDA). ``device`` is faster.
        persistent_workers: keep the threads between epochs.
        prefetch_factor: batches that threads may be ahead, and batches that stay valid beside the newest; by default
            1 with threads and 0 inline.
        copy: hand out batches that belong to whoever holds them.
        device: deliver batches there. For CUDA they are gathered into pinned memory, int16 as it is, sent by a stream
            of their own while the one before is used, and converted there.
        timeout_s: how long a thread may take for a batch before that is an error; 0 = for ever.
        rank, world_size: this process's share of each batch; by default what torch.distributed says, else 0 of 1.

    Raises:
        ConfigError, PlanError: settings that cannot be, or that leave no batch.
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
        prefetch_factor: int | None = None,
        copy: bool = False,
        device: str | torch.device | Wire | None = None,
        timeout_s: float = 60.0,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        prefetched = (PREFETCHED if num_workers else 0) if prefetch_factor is None else prefetch_factor
        if num_workers < 0 or prefetched < bool(num_workers) or not timeout_s >= 0:
            raise ConfigError(
                f"num_workers {num_workers}, prefetch_factor {prefetch_factor}, timeout_s {timeout_s}",
                expected="none below 0, and a prefetch_factor of at least 1 where there are threads",
            )
        self.corpus, self.spec = corpus, spec
        self.num_workers, self.prefetch_factor = num_workers, prefetched
        self.persistent_workers, self.copy, self.timeout_s = persistent_workers, copy, timeout_s
        self.pin_memory = pin_memory and torch.cuda.is_available()
        self._wire = wire_to(device)
        self.rank, self.world_size = this_rank(rank, world_size)
        self._sources = Sources(corpus, spec)
        self._slots = OwnedSlots(self._sources, most=2 + 2 * prefetched)
        self._ring: Ring | None = None
        self._crew: Crew | None = None
        self._position = self._resume_at = 0
        self.epoch = int(epoch)
        self.plan = self._plan(self.epoch)
        self._blocks = PlannedBlocks(self._sources, self.plan, self.rank)

    def __len__(self) -> int:
        """Batches in this epoch."""
        return self.plan.n_batches

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of ``epoch``: another order, another stride. A position loaded for this epoch is kept."""
        if epoch != self.epoch:
            self.plan = self._plan(int(epoch))  # first, so that an epoch without windows changes nothing
            self._blocks = PlannedBlocks(self._sources, self.plan, self.rank)
            self.epoch, self._position, self._resume_at = int(epoch), 0, 0

    def batch(self, number: int) -> Batch:
        """Batch ``number`` of this epoch, this rank's rows of it, by itself and yours to keep.

        Raises:
            IndexError: not one of the epoch's batches.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"batch {number} of an epoch of {len(self)}")
        place = Place(self._new_owned_slot()) if self._wire is None else DevicePlace(self._layout(), self._wire)
        names = self._blocks.fill(number, place.slot)
        place.send()
        return place.deliver(names)

    def __iter__(self) -> Iterator[Batch]:
        first, self._resume_at = self._resume_at, 0
        self._position = first
        blocks = self._blocks  # an iterator stays in the epoch it began, whatever the loader is told meanwhile
        numbers = range(first, blocks.plan.n_batches)
        ring, self._ring = self._ring or self._new_ring(), None  # a second iterator at the same time has its own
        try:
            deliver = self._gathered_ahead if self.num_workers else self._gathered_inline
            number = first
            for batch in deliver(blocks, numbers, ring):
                number += 1
                if blocks is self._blocks:
                    self._position = number
                yield batch
        finally:
            if not ring.is_lost:
                self._ring = ring

    def _gathered_inline(self, blocks: PlannedBlocks, numbers: range, ring: Ring) -> Iterator[Batch]:
        block: Any = None
        row = end = 0
        for number in numbers:
            place = ring.prepare(ring.turn)
            slot = place.slot
            try:
                if number >= end:
                    block = None  # the cache of a remote corpus may want its room
                    block, row, end = blocks.find(number)
                block.fill(slot, row)
            except Exception as fault:  # noqa: BLE001 - refuse raises it again
                blocks.refuse(number, fault)
            first, row = row, row + slot.n_rows
            if ring.sends:
                place.send()
            ring.turn += 1
            yield place.deliver(block.names[first:row])

    def _gathered_ahead(self, blocks: PlannedBlocks, numbers: range, ring: Ring) -> Iterator[Batch]:
        crew, self._crew = self._crew or Crew(self.num_workers), None
        try:
            ahead = Ahead(crew, blocks, ring, numbers, ahead=self.prefetch_factor, timeout_s=self.timeout_s)
            yield from ahead.deliver()
        finally:
            if self.persistent_workers and not ring.is_lost:
                self._crew = crew
            else:
                crew.close(wait=not ring.is_lost)

    def close(self) -> None:
        """Stop persistent threads and let the ring go; the loader may still be used and makes new ones."""
        if self._crew:
            self._crew.close()
        self._crew = self._ring = None

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands, as JSON values: the next batch to deliver, and what it would be a batch of."""
        return self._identity | {"epoch": self.epoch, "batch": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stand where ``state`` was saved; the next iteration delivers the rest of that epoch, bit for bit.

        Another number of threads, or of ranks with the same rows and streams in all, goes on with the same batches.

        Raises:
            CorpusError: the position was saved on another corpus, other takes, or other batches; both values are named.
        """
        refuse_other(state, self._identity)
        self.set_epoch(int(state["epoch"]))
        batch = int(state["batch"])
        refuse_outside(batch, len(self))
        self._position = self._resume_at = batch

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return identity(self.corpus, self.spec, self.world_size)

    def _plan(self, epoch: int) -> Plan:
        return self.spec.plan(self.corpus.n_frames, epoch, self.world_size)

    def _layout(self) -> Layout:
        return Layout(self._sources, raw_sound=self._wire is not None)

    def _new_ring(self) -> Ring:
        """Places for the batches that stay valid and for those that are made ahead."""
        layout = self._layout()
        make: Callable[[], Place]
        if self._wire is not None:
            make = partial(DevicePlace, layout, self._wire)
        elif self.copy or self.pin_memory:
            make = partial(OwnedPlace, self._new_owned_slot)
        else:
            make = partial(plain_place, layout)
        n_ahead = self.prefetch_factor if self.num_workers else 0
        return Ring(1 + self.prefetch_factor + n_ahead, layout, make)

    @property
    def _new_owned_slot(self) -> Callable[[], Slot]:
        """Makes what a batch is gathered into that somebody will keep. It does not hold the loader."""
        if self.pin_memory:
            return partial(Slot, self._layout(), self.spec.batch_size, pinned_memory)
        return partial(self._slots.new, self.spec.batch_size)
