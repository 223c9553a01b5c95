"""Memory for batches: plain, pinned, or used again as soon as nobody holds a tensor on it.

All of it begins at a cache line: NumPy's own begins 16 bytes behind one, and a store of 32 or 64 bytes then lies across
two lines every second time, which was measured to cost the gather a tenth.

A batch of some megabytes that is allocated anew each time is paid for in page faults. :class:`Buffers` gets a batch's
memory back by itself when the last tensor on it is gone, and not before; there is no moment at which it becomes stale.
This is what ``copy=True`` and the torch datasets hand out; the ring of the loader (:mod:`koekao.batches.ring`) is
cheaper still. What it gives up: the last few batches' memory stays with the loader until the loader goes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

NewTensor = Callable[[tuple[int, ...], type[np.generic]], torch.Tensor]
"""Makes an uninitialised tensor of a shape and numpy dtype."""

_CACHE_LINE_BYTES = 64


def plain_memory(shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
    """A new tensor in ordinary memory."""
    return torch.from_numpy(_aligned(shape, dtype))


def pinned_memory(shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
    """A new tensor that CUDA can read by itself; torch uses the memory again once copies out of it are done."""
    return torch.from_numpy(np.empty(0, dtype)).new_empty(shape, pin_memory=True)


def _aligned(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """An uninitialised array that begins at a cache line."""
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(n_bytes + _CACHE_LINE_BYTES, np.uint8)
    begin = -memory.ctypes.data % _CACHE_LINE_BYTES
    aligned: NDArray[Any] = memory[begin : begin + n_bytes].view(dtype).reshape(shape)
    return aligned


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
            array = _aligned(shape, dtype)
            if len(kept) < self._most:
                kept.append(array)
            return torch.from_numpy(array)
