"""Memory for batches that belong to whoever holds them, used again as soon as nobody holds a tensor on it.

A batch of some megabytes that is allocated anew each time is paid for in page faults. Here a batch's memory comes back
by itself when the last tensor on it is gone, and not before; there is no moment at which it becomes stale. This is what
``copy=True`` and the torch datasets hand out; the ring of the loader (:mod:`koekao.batches.ring`) is cheaper still.

What it gives up: the last few batches' memory stays with the loader until the loader goes.
"""

from __future__ import annotations

import sys
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def _references(kept: list[NDArray[Any]], place: int) -> int:
    return sys.getrefcount(kept[place])


_ONLY_OURS = _references([np.empty(0)], 0)
"""References to an array that only the list holds, counted in the same way, for interpreters count differently."""


class Buffers:
    """Hands out uninitialised tensors.

    Args:
        most: how many of one shape are kept to be used again; more than that are made and forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[tuple[int, ...], str], list[NDArray[Any]]] = {}
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Buffers], tuple[int]]:
        return Buffers, (self._most,)  # memory stays where it is; another process has its own

    def empty(self, shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
        """A tensor of ``shape`` and numpy ``dtype`` on memory that nobody else holds."""
        with self._lock:
            kept = self._kept.setdefault((shape, np.dtype(dtype).str), [])
            for place in range(len(kept)):
                if _references(kept, place) == _ONLY_OURS:
                    return torch.from_numpy(kept[place])
            array = np.empty(shape, dtype)
            if len(kept) < self._most:
                kept.append(array)
            return torch.from_numpy(array)
