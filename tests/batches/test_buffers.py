"""Law: memory for batches is of the shape and dtype that was asked for, and begins at a cache line."""

from __future__ import annotations

import numpy as np
import torch

from koekao.batches.buffers import plain_memory


def test_memory_begins_at_a_cache_line() -> None:
    """A tenth of the gather's speed hangs on it."""
    for shape in ((3,), (4, 136_576), (5, 7, 3)):
        for dtype in (np.float32, np.int16, np.bool_, np.int64):
            tensor = plain_memory(shape, dtype)
            assert tensor.data_ptr() % 64 == 0
            assert tuple(tensor.shape) == shape and tensor.is_contiguous()
            assert tensor.dtype == torch.from_numpy(np.empty(0, dtype)).dtype
