"""Streams: batches that go on in time, row by row.

A batch of B rows is S streams of R consecutive windows (B = S * R), stream-major: with S = 2 and R = 2 the file names
of a batch read (file1, file1, file2, file2), the seeds' picture; S = B gives one stream a row. Stream s of batch k+1
goes on exactly where stream s of batch k stopped; where it begins another take, ``reset`` is true for that row alone.

Takes are shuffled anew each epoch and dealt one by one to the shortest stream, so the longest stream exceeds the
shortest by at most one take. Streams that have ended fill their rows with padding (``valid_frames`` 0), or end the
epoch with ``drop_last``. Any batch is found in O(log takes); memory is O(takes).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError, PlanError
from koekao.windows.grid import Grid
from koekao.windows.keyed import Permutation
from koekao.windows.rows import NO_TAKE, Rows


class StreamPlan:
    """The batches of one epoch, in order.

    Attributes:
        n_windows: windows in the epoch; n_batches: batches; n_dropped: windows that ``drop_last`` leaves out;
        n_padding: rows that only fill batches up.
    """

    def __init__(
        self,
        grid: Grid,
        *,
        batch_size: int,
        n_streams: int,
        drop_last: bool = False,
        shuffle: bool = True,
    ) -> None:
        if n_streams < 1 or batch_size < 1 or batch_size % n_streams:
            raise ConfigError(
                f"{batch_size} rows in {n_streams} streams",
                expected="a batch_size that is a multiple of n_streams",
                do="choose n_streams among the divisors of batch_size",
            )
        self.grid, self.batch_size, self.n_streams = grid, batch_size, n_streams
        self.run = batch_size // n_streams
        self._takes = _takes_of_streams(grid, n_streams, shuffle=shuffle)
        self._ends = [np.cumsum(grid.counts[takes]) for takes in self._takes]
        lengths = np.array([ends[-1] if len(ends) else 0 for ends in self._ends], np.int64)
        busy = lengths[lengths > 0]
        if len(busy) < n_streams:
            warnings.warn(
                f"{n_streams} streams for {len(busy)} takes with windows: {n_streams - len(busy)} streams stay empty",
                stacklevel=2,
            )
        self.n_batches = int(busy.min() // self.run) if drop_last else -(-int(busy.max()) // self.run)
        if not self.n_batches:
            raise PlanError(
                f"a stream of {busy.min()} windows does not fill its {self.run} rows of one batch, "
                "and drop_last drops the rest",
                do="use a smaller batch_size or fewer streams, or drop_last=False",
            )
        delivered = int(np.minimum(lengths, self.n_batches * self.run).sum())
        self.n_windows = grid.n_windows
        self.n_dropped = self.n_windows - delivered
        self.n_padding = self.n_batches * batch_size - delivered

    def batch(self, number: int) -> Rows:
        """The rows of batch ``number``, stream-major."""
        return self.batches(number, 1)

    def batches(self, first: int, count: int, *, share: slice = slice(None)) -> Rows:
        """The rows of batches ``first .. first+count-1``, one batch after the other.

        Args:
            share: of each batch only these rows; whole streams.
        """
        low, high, _ = share.indices(self.batch_size)
        streams = range(low // self.run, -(-high // self.run))
        parts = [self._stream_rows(stream, first * self.run, count * self.run) for stream in streams]
        take, window = (
            np.stack([part.reshape(count, self.run) for part in column], axis=1).reshape(-1)
            for column in zip(*parts, strict=True)
        )
        real = take != NO_TAKE
        there: Any = slice(None) if real.all() else real  # the whole is cheaper than all of its parts
        start, dense = np.zeros(len(take), np.int64), np.zeros(len(take), bool)
        gap, valid = np.zeros(len(take), np.int64), np.zeros(len(take), np.int64)
        start[there], dense[there] = self.grid.start_at(take[there], window[there])
        before, _ = self.grid.start_at(take[there], np.maximum(window[there] - 1, 0))
        gap[there] = start[there] - before
        valid[there] = np.minimum(self.grid.window_frames, self.grid.n_frames[take[there]] - start[there])
        return Rows(
            take=take, start_frame=start, valid_frames=valid, is_dense=dense, reset=real & (window == 0), gap_frames=gap
        )

    def _stream_rows(self, stream: int, first: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(take, number of its window) of the stream's windows ``first .. first+count-1``."""
        takes, ends = self._takes[stream], self._ends[stream]
        last = int(ends[-1]) if len(ends) else 0
        index = np.arange(first, max(first, min(first + count, last)), dtype=np.int64)
        place, inside = np.searchsorted(ends, index, side="right"), slice(0, len(index))
        take, window = np.full(count, NO_TAKE, np.int64), np.zeros(count, np.int64)
        take[inside] = takes[place]
        window[inside] = index - (ends[place] - self.grid.counts[take[inside]])
        return take, window


def _takes_of_streams(grid: Grid, n_streams: int, *, shuffle: bool) -> list[NDArray[np.int32]]:
    """The takes of each stream, in order; int32, for a million of them are kept as long as the plan."""
    from koekao.windows.deal import deal  # compiled code, which who only asks for a stride need not load

    order = np.flatnonzero(grid.counts).astype(np.int32)
    if shuffle:
        order = order[Permutation(len(order), "order of takes", *grid.key).all()]
    return deal(order, grid.counts, n_streams)
