"""Law: memory is used again when nobody holds a tensor on it, and never before."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import torch

from koekao.batches.buffers import Buffers, plain_memory


def test_memory_comes_back_when_the_last_tensor_is_gone() -> None:
    buffers = Buffers(most=2)
    tensor = buffers.empty((3, 4), np.float32)
    address, view = tensor.data_ptr(), tensor[1:]
    del tensor
    assert buffers.empty((3, 4), np.float32).data_ptr() != address, "a view still holds it"
    del view
    assert address in {buffers.empty((3, 4), np.float32).data_ptr() for _ in range(2)}


def test_what_is_held_is_never_handed_out_again() -> None:
    buffers = Buffers(most=2)
    held = [buffers.empty((5,), np.float32).fill_(number) for number in range(20)]
    assert [int(tensor[0]) for tensor in held] == list(range(20))
    assert len({tensor.data_ptr() for tensor in held}) == 20
    arrays = [tensor.numpy() for tensor in held]
    held.clear()
    again = [buffers.empty((5,), np.float32) for _ in range(5)]
    assert not {tensor.data_ptr() for tensor in again} & {array.ctypes.data for array in arrays}


def test_shapes_and_dtypes_have_memory_of_their_own() -> None:
    buffers = Buffers(most=1)
    first = buffers.empty((2, 2), np.float32)
    assert first.shape == (2, 2) and first.dtype == torch.float32
    assert buffers.empty((2, 2), np.bool_).dtype == torch.bool
    del first
    assert buffers.empty((4,), np.float32).shape == (4,)


def test_another_process_has_its_own() -> None:
    buffers = Buffers(most=3)
    buffers.empty((2,), np.float32)
    assert copy.deepcopy(buffers).empty((2,), np.float32).shape == (2,)
    assert len(pickle.dumps(buffers)) < 200


def test_memory_begins_at_a_cache_line() -> None:
    """A tenth of the gather's speed hangs on it."""
    for shape in ((3,), (4, 136_576), (5, 7, 3)):
        for dtype in (np.float32, np.int16, np.bool_, np.int64):
            for tensor in (plain_memory(shape, dtype), Buffers(most=1).empty(shape, dtype)):
                assert tensor.data_ptr() % 64 == 0
                assert tuple(tensor.shape) == shape and tensor.is_contiguous()
                assert tensor.dtype == torch.from_numpy(np.empty(0, dtype)).dtype
