"""Memory for batches, plain or pinned.

All of it begins at a cache line: NumPy's own begins 16 bytes behind one, and a store of 32 or 64 bytes then lies across
two lines every second time, which was measured to cost the gather a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
