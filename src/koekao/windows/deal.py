"""Takes dealt to streams: each next take goes to the stream that is shortest so far.

That keeps the longest stream within one take of the shortest, whatever the lengths. It is the one step of a plan that
cannot be written as arithmetic on whole arrays, so it is machine code: a million takes are dealt in some milliseconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koekao.compiled import MachineCode

_code = MachineCode("koekao.windows.deal_source", {"deal": 6})


def deal(counts: NDArray[np.int64], n_streams: int) -> list[NDArray[np.int64]]:
    """The places in ``counts`` (windows of each take, in the order in which takes are dealt) that each stream gets."""
    counts = np.ascontiguousarray(counts, np.int64)
    stream_of, heap, lengths = np.empty(len(counts), np.int32), np.arange(n_streams), np.zeros(n_streams, np.int64)
    addresses = (array.ctypes.data for array in (counts, stream_of, heap, lengths))
    _code["deal"](*addresses, len(counts), n_streams)
    by_stream = np.argsort(stream_of, kind="stable")
    return np.split(by_stream, np.cumsum(np.bincount(stream_of, minlength=n_streams))[:-1])
