"""Rows of numbers set aside on the disk, for formats that want them in another order than they come in.

The file lies beside the target, where the space for it is, not in the system's folder for such files, which may be
memory. It has no name, so it goes with the process, however that ends.

What it gives up: a read of the disk for each time that the rows are gone through.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

_BLOCK_ROWS = 4096


class Spool:
    """Rows of ``width`` float32, added at the end and gone through from the beginning, as often as wanted."""

    def __init__(self, file: IO[bytes], width: int) -> None:
        self._file, self._width = file, width
        self.n_rows = 0

    def add(self, rows: NDArray[np.float32]) -> None:
        """Add ``rows`` ``[n, width]``."""
        self._file.write(rows.astype("<f4", copy=False).tobytes())
        self.n_rows += len(rows)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All rows, some thousands at a time: ``[n, width]`` float32."""
        self._file.seek(0)
        for first in range(0, self.n_rows, _BLOCK_ROWS):
            n_bytes = 4 * self._width * min(_BLOCK_ROWS, self.n_rows - first)
            yield np.frombuffer(self._file.read(n_bytes), "<f4").reshape(-1, self._width)


@contextmanager
def spool_beside(path: Path, width: int) -> Iterator[Spool]:
    """A spool for the making of ``path``; it is gone afterwards."""
    with tempfile.TemporaryFile(dir=path.parent) as file:
        yield Spool(file, width)
