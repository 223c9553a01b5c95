"""The places that batches are made in, used in turn.

A ring of k places hands out a place again after k - 1 others, so a batch stays as it is until k - 1 more have been
delivered. The turn goes on from epoch to epoch: the last batches of one are not overwritten by the first of the next
any sooner. Whoever goes on holding batches whose place is filled again is warned, once.

Three kinds of places make up the three things that a loader can hand out: memory that is filled again, memory that
belongs to whoever holds it, and memory on a device (:mod:`koekao.batches.transfer`).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.batches.buffers import plain_memory
from koekao.batches.slots import Batch, Layout, Slot


class Place:
    """Where one batch is made, over and over: the same memory each time, filled again.

    All of this is called by the thread that iterates; filling is not. Other kinds do more in between.

    Attributes:
        slot: the memory to gather into.
        watched: one of the tensors that are handed out, to see whether somebody holds on to it.
        sends: whether there is more to do with a batch once it is gathered.
    """

    sends = False

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.watched = next(iter(self.slot.tensors.values()))

    def release(self) -> None:
        """What was delivered from here is no longer used: make ready for another batch."""

    def send(self) -> None:
        """The batch has been gathered; start what more there is to do."""

    def deliver(self, names: list[str]) -> Batch:
        """The batch, ready to be used."""
        return self.slot.batch(names)


def plain_place(layout: Layout) -> Place:
    """A place in ordinary memory."""
    return Place(Slot(layout, layout.n_rows, plain_memory))


class OwnedPlace(Place):
    """Another slot each time, whose memory belongs to whoever holds the batch."""

    def __init__(self, new: Callable[[], Slot]) -> None:
        super().__init__(new())
        self._new, self._is_fresh = new, True
        self.watched = torch.empty(0)  # who holds on to a batch of his own is right

    def release(self) -> None:
        if not self._is_fresh:
            self.slot = self._new()
        self._is_fresh = False


class Ring:
    """``n`` places in turn, each made when it is first needed; ``to`` are the addresses of their memory, and ``sends``
    is true where batches must be sent once they are gathered."""

    def __init__(self, n: int, layout: Layout, make: Callable[[], Place]) -> None:
        self.n, self.layout, self._make = n, layout, make
        self.to: NDArray[np.int64] = np.zeros((n, layout.n_addresses), np.int64)
        self.address = self.to.ctypes.data
        self._places: list[Place] = []
        self.turn = 0
        """The turn of the next batch; its place is ``turn % n``."""
        self.sends = self._has_warned = False
        self.is_lost = False
        """A thread that hangs may still write into it."""

    def prepare(self, turn: int) -> Place:
        """The place of this turn, made ready for a batch."""
        number = turn % self.n
        while number >= len(self._places):
            self._places.append(self._make())
            self.sends = self._places[-1].sends
            self.to[len(self._places) - 1] = self._places[-1].slot.to
        place = self._places[number]
        if sys.getrefcount(place.watched) > _MOST_HOLDERS and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"batches are still held although {self.n} more were asked for: their memory holds later ones now. "
                "Say copy=True to keep batches, or copy what you keep",
                stacklevel=2,
            )
        before = place.slot
        place.release()
        if place.slot is not before:
            self.to[number] = place.slot.to
        return place


def _most_holders() -> int:
    """References to a tensor that its place holds, as its slot does twice; that the loop holds which asks for the next
    batch; and that zip or enumerate around it hold. Counted, for interpreters count differently."""
    place = SimpleNamespace(watched=torch.empty(0))
    place.others = [place.watched] * 4
    return sys.getrefcount(place.watched)


_MOST_HOLDERS = _most_holders()
