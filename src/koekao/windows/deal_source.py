"""How takes are dealt, to be compiled; it is called by way of :mod:`koekao.windows.deal`."""

from __future__ import annotations

import numpy as np
from numba import carray  # type: ignore[attr-defined]

from koekao.machine import in_machine_code, numbers_at, pointer


@in_machine_code
def deal(at_counts: int, at_stream_of: int, at_heap: int, at_lengths: int, n_takes: int, n_streams: int) -> int:
    """A heap of streams by (length, number), its top made longer and sunk to its place take by take.

    Arrays are int64, but ``stream_of``, which is int32: the stream of each take, to be filled. ``heap`` holds the
    streams in order, ``lengths`` zeros.
    """
    counts, stream_of = numbers_at(at_counts, n_takes), carray(pointer(at_stream_of), n_takes, np.int32)
    heap, lengths = numbers_at(at_heap, n_streams), numbers_at(at_lengths, n_streams)
    for take in range(n_takes):
        top = heap[0]
        stream_of[take] = top
        lengths[top] += counts[take]
        place = 0
        while True:
            child = 2 * place + 1
            if child >= n_streams:
                break
            if child + 1 < n_streams:
                left, right = heap[child], heap[child + 1]
                if lengths[right] < lengths[left] or (lengths[right] == lengths[left] and right < left):
                    child += 1
            below = heap[child]
            if lengths[top] < lengths[below] or (lengths[top] == lengths[below] and top < below):
                break
            heap[place] = below
            place = child
        heap[place] = top
    return n_takes
