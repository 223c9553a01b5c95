"""Takes dealt to streams: each next take goes to the stream that is shortest so far.

That keeps the longest stream within one take of the shortest, whatever the lengths. It is the one step of a plan that
cannot be written as arithmetic on whole arrays, so it is compiled: a million takes are dealt in some milliseconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koekao.compiled import compiled


def deal(counts: NDArray[np.int64], n_streams: int) -> list[NDArray[np.int64]]:
    """The places in ``counts`` (windows of each take, in the order in which takes are dealt) that each stream gets."""
    stream = _stream_of_each(counts, n_streams)
    by_stream = np.argsort(stream, kind="stable")
    return np.split(by_stream, np.cumsum(np.bincount(stream, minlength=n_streams))[:-1])


@compiled
def _stream_of_each(counts: NDArray[np.int64], n_streams: int) -> NDArray[np.int32]:
    """A heap of streams by (length, number), its top made longer and sunk to its place take by take."""
    stream_of = np.empty(len(counts), np.int32)
    heap, lengths = np.arange(n_streams), np.zeros(n_streams, np.int64)
    for take in range(len(counts)):
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
    return stream_of
