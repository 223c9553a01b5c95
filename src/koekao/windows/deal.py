"""Takes dealt to streams: each next take goes to the stream that is shortest so far.

That keeps the longest stream within one take of the shortest, whatever the lengths. It is the one step of a plan that
cannot be written as arithmetic on whole arrays, so it is machine code: a million takes are dealt in some milliseconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.compiled import MachineCode

_code = MachineCode("koekao.windows.deal_source", {"deal": 7, "part": 6})


def deal(order: NDArray[np.int32], counts: NDArray[np.int64], n_streams: int) -> list[NDArray[np.int32]]:
    """The takes of each stream.

    Args:
        order: the takes to deal, in the order in which they are dealt.
        counts: windows of every take, by its number.
    """
    order, counts = np.ascontiguousarray(order, np.int32), np.ascontiguousarray(counts, np.int64)
    n_takes, stream_of = len(order), np.empty(len(order), np.int32)
    heap = np.concatenate([np.arange(n_streams), np.zeros(n_streams, np.int64)])
    dealt = _at(order), _at(stream_of), n_takes
    _code["deal"](_at(counts), len(counts), *dealt, _at(heap), n_streams)
    sizes, takes = np.bincount(stream_of, minlength=n_streams), np.empty(n_takes, np.int32)
    ends = np.cumsum(sizes) - sizes
    _code["part"](*dealt, _at(ends), n_streams, _at(takes))
    return np.split(takes, ends[:-1])


def _at(array: NDArray[Any]) -> int:
    return array.ctypes.data
