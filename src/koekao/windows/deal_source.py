"""How takes are dealt, to be compiled; it is called by way of :mod:`koekao.windows.deal`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]

from koekao.machine import in_machine_code, numbers_at, pointer


@in_machine_code
def deal(
    at_counts: int, n_counts: int, at_order: int, at_stream_of: int, n_takes: int, at_heap: int, n_streams: int
) -> int:
    """A heap of streams by (length, number), its top made longer and sunk to its place take by take.

    ``counts`` (int64) are the windows of every take there is; ``order`` (int32) the takes to deal; ``stream_of``
    (int32) is to be filled: to which stream each goes. ``heap`` (int64) holds the streams in order, then as many zeros.
    """
    counts, order = numbers_at(at_counts, n_counts), _takes_at(at_order, n_takes)
    stream_of, heap = _takes_at(at_stream_of, n_takes), numbers_at(at_heap, n_streams)
    lengths = numbers_at(at_heap + 8 * n_streams, n_streams)
    for n in range(n_takes):
        top = heap[0]
        stream_of[n] = top
        lengths[top] += counts[order[n]]
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


@in_machine_code
def part(at_order: int, at_stream_of: int, n_takes: int, at_ends: int, n_streams: int, at_takes: int) -> int:
    """The takes of stream 0, then of stream 1 and so on, each in the order in which they were dealt.

    ``ends`` (int64) holds where each stream begins in ``takes`` (int32, to be filled), and afterwards where it ends.
    """
    order, stream_of = _takes_at(at_order, n_takes), _takes_at(at_stream_of, n_takes)
    takes, ends = _takes_at(at_takes, n_takes), numbers_at(at_ends, n_streams)
    for n in range(n_takes):
        stream = stream_of[n]
        takes[ends[stream]] = order[n]
        ends[stream] += 1
    return n_takes


@in_machine_code
def _takes_at(address: int, n: int) -> Any:
    """The ``n`` int32 at an address, as an array."""
    return carray(pointer(address), n, np.int32)
