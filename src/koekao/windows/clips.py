"""Clips: windows of a fixed length in shuffled order, for models that look at each window by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError, PlanError
from koekao.windows.grid import Grid
from koekao.windows.keyed import Permutation
from koekao.windows.rows import NO_TAKE, Rows


class ClipPlan:
    """The batches of one epoch: every window of the grid once, in an order keyed by (seed, epoch).

    Attributes:
        n_windows, n_batches, n_dropped, n_padding: as in :class:`koekao.windows.streams.StreamPlan`.
    """

    def __init__(self, grid: Grid, *, batch_size: int, drop_last: bool = False, shuffle: bool = True) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size {batch_size!r}", expected="at least 1")
        self.grid, self.batch_size = grid, batch_size
        self._ends = np.cumsum(grid.counts)
        self.n_windows = grid.n_windows
        self._order = Permutation(self.n_windows, "order of clips", *grid.key) if shuffle else None
        self.n_batches = self.n_windows // batch_size if drop_last else -(-self.n_windows // batch_size)
        if not self.n_batches:
            raise PlanError(
                f"{self.n_windows} windows do not fill one batch of {batch_size}, and drop_last drops the rest",
                do="use a smaller batch_size, or drop_last=False",
            )
        self.n_dropped = max(0, self.n_windows - self.n_batches * batch_size)
        self.n_padding = max(0, self.n_batches * batch_size - self.n_windows)

    def batch(self, number: int) -> Rows:
        """The rows of batch ``number``."""
        return self.batches(number, 1)

    def batches(self, first: int, count: int, *, share: slice = slice(None)) -> Rows:
        """The rows of batches ``first .. first+count-1``, one batch after the other; of each its rows ``share``."""
        numbers = np.arange(first, first + count, dtype=np.int64)[:, None] * self.batch_size
        return self.windows((numbers + np.arange(self.batch_size, dtype=np.int64)[share]).reshape(-1))

    def windows(self, index: NDArray[np.int64]) -> Rows:
        """The rows at the places ``index`` of the epoch's order; places past the end are padding rows."""
        real = index < self.n_windows
        take, start = np.full(len(index), NO_TAKE, np.int64), np.zeros(len(index), np.int64)
        valid, dense = np.zeros(len(index), np.int64), np.zeros(len(index), bool)
        window = self._order(index[real]) if self._order else index[real]
        place = np.searchsorted(self._ends, window, side="right")
        take[real] = place
        number = window - (self._ends[place] - self.grid.counts[place])
        start[real], dense[real] = self.grid.start_at(place, number)
        valid[real] = np.minimum(self.grid.window_frames, self.grid.n_frames[place] - start[real])
        no_gap = np.zeros(len(index), np.int64)
        return Rows(
            take=take, start_frame=start, valid_frames=valid, is_dense=dense, reset=real.copy(), gap_frames=no_gap
        )
