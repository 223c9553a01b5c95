"""Integers of an Arrow column where they lie.

pyarrow's own ``to_numpy`` imports pandas where that is installed, for it might be asked for pandas' types: 25 MB and a
tenth of a second before the first batch, for whoever has pandas for something else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def viewed(column: Any) -> NDArray[Any]:
    """A column of integers without empty cells as a read-only array over the same bytes."""
    dtype, bytes_before = np.dtype(str(column.type)), column.offset * column.type.bit_width // 8
    if not len(column):
        return np.empty(0, dtype)
    seen = np.frombuffer(column.buffers()[1], dtype, count=len(column), offset=bytes_before)
    seen.flags.writeable = False  # that of a file is not anyway
    return seen
