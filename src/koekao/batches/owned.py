"""Memory for batches that belong to whoever holds them: used again as soon as nobody holds a tensor on it.

A batch of some megabytes that is allocated anew each time is paid for in page faults. :class:`OwnedSlots` gets a
batch's memory back by itself when the last tensor on it is gone, and not before; there is no moment at which it becomes
stale. This is what ``copy=True`` and the torch datasets hand out; the ring of the loader
(:mod:`koekao.batches.ring`) is cheaper still, for its tensors are made but once. What it gives up: the last few
batches' memory stays with the loader until the loader goes.
"""

from __future__ import annotations

import sys
from threading import Lock

import torch

from koekao.batches.buffers import plain_memory
from koekao.batches.slots import Layout, Slot
from koekao.batches.sources import Sources


class _Kept:
    """A slot over whose memory other slots come and go."""

    def __init__(self, layout: Layout, n_rows: int) -> None:
        self._slot = Slot(layout, n_rows, plain_memory)
        self._arrays = {key: tensor.numpy() for key, tensor in self._slot.tensors.items()}  # each tensor holds its own
        self._references_when_free = self._references()

    def _references(self) -> int:
        return sum(map(sys.getrefcount, self._arrays.values()))

    @property
    def is_free(self) -> bool:
        """Whether nobody holds anything over this memory."""
        return self._references() == self._references_when_free

    def new(self) -> Slot:
        return self._slot.over({key: torch.from_numpy(array) for key, array in self._arrays.items()})


class OwnedSlots:
    """Hands out slots for batches of ``sources``. Threads may share it; another process has its own.

    Args:
        most: how many of one number of rows are kept to be used again; more than that are made and forgotten.
    """

    def __init__(self, sources: Sources, most: int) -> None:
        self._sources, self._most = sources, most
        self._layout = Layout(sources)
        self._kept: dict[int, list[_Kept]] = {}
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[OwnedSlots], tuple[Sources, int]]:
        return OwnedSlots, (self._sources, self._most)  # memory stays where it is

    def new(self, n_rows: int) -> Slot:
        """A slot of ``n_rows`` rows on memory that nobody else holds; its tensors are given away with the first batch
        that is made of it, and it must not be filled again."""
        with self._lock:
            kept = self._kept.setdefault(n_rows, [])
            for one in kept:
                if one.is_free:
                    return one.new()
            if len(kept) >= self._most:
                return Slot(self._layout, n_rows, plain_memory)
            kept.append(_Kept(self._layout, n_rows))
            return kept[-1].new()
